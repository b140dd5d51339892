// The page's frame: session, theme, language, and which page is shown.
import { QueryClientProvider } from "@tanstack/react-query";
import { App as Antd, ConfigProvider, Spin } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import { Suspense, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { BrowserRouter, Navigate, Route, Routes, useLocation } from "react-router-dom";

import { restore, useSession } from "../api/session";
import { followLive, queries } from "../live/queries";
import { live } from "../live/socket";
import { SignInPage } from "../pages/signin/SignInPage";
import { THEMES, useTheme } from "../theme/theme";
import { ErrorBoundary } from "./ErrorBoundary";
import { pagesOf } from "./routes";
import { Shell } from "./Shell";

const RESTORE_AGAIN_MS = 2_000;

export function App() {
  const { i18n } = useTranslation();
  const theme = useTheme((state) => state.name);
  return (
    <ConfigProvider theme={THEMES[theme]} button={{ autoInsertSpace: false }} locale={i18n.language === "en" ? enUS : zhCN}>
      <Antd>
        <QueryClientProvider client={queries}>
          <BrowserRouter basename="/console">
            <Inside />
          </BrowserRouter>
        </QueryClientProvider>
      </Antd>
    </ConfigProvider>
  );
}

function Inside() {
  const { account, phase } = useSession();
  const { t } = useTranslation();
  const shown = useLocation().pathname.split("/")[1];
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const attempt = () => restore().catch(() => (timer = setTimeout(attempt, RESTORE_AGAIN_MS)));
    void attempt();
    return () => clearTimeout(timer);
  }, []);
  const user = account?.user;
  useEffect(() => {
    if (!user) return;
    const stop = followLive();
    live.open();
    return () => {
      stop();
      live.close();
      queries.clear();
    };
  }, [user]);
  if (phase === "restoring") return <Waiting text={t("signIn.restoring")} />;
  if (!account) return <SignInPage />;
  const pages = pagesOf(account);
  return (
    <Shell pages={pages}>
      <ErrorBoundary key={shown}>
        <Suspense fallback={<Waiting text={t("state.loading")} />}>
          <Routes>
            {pages.map(({ path, element: Element }) => (
              <Route key={path} path={path} element={<Element />} />
            ))}
            <Route path="*" element={<Navigate to={`/${pages[0]?.path.replace("/*", "") ?? ""}`} replace />} />
          </Routes>
        </Suspense>
      </ErrorBoundary>
    </Shell>
  );
}

function Waiting({ text }: { text: string }) {
  return (
    <div role="status" style={{ display: "grid", placeItems: "center", height: "60vh", gap: 12 }}>
      <span>
        <Spin /> {text}
      </span>
    </div>
  );
}
