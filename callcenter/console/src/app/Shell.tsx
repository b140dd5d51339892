// What surrounds every page: where one is, whether what is shown is of now, language, theme, and the way out.
import { LogoutOutlined, MoonOutlined, SunOutlined } from "@ant-design/icons";
import { Alert, App, Button, Tag, theme as antd, Tooltip } from "antd";
import { useEffect, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { NavLink, useNavigate } from "react-router-dom";

import { signOut, useSession } from "../api/session";
import { useLive } from "../live/socket";
import { SeatFrame } from "../pages/desk/SeatFrame";
import { phone } from "../phone";
import { switchTheme, useTheme } from "../theme/theme";
import { clock } from "../ui/time";
import { LanguageButton } from "./LanguageButton";
import { fetchAhead, seated, type Page } from "./routes";
import styles from "./Shell.module.css";

export function Shell({ pages, children }: { pages: Page[]; children: ReactNode }) {
  const { t } = useTranslation();
  const { token } = antd.useToken();
  const account = useSession((state) => state.account);
  const theme = useTheme((state) => state.name);
  const links = pages.filter((page) => page.nav);
  const leave = useLeave();
  useShortcuts(links);
  const atDesk = account !== null && seated(account);
  useEffect(() => (atDesk ? fetchAhead() : undefined), [atDesk]);
  return (
    <div className={styles.frame} style={{ background: token.colorBgLayout, color: token.colorText }}>
      <a className="skip" href="#content">
        {t("skip")}
      </a>
      <header className={styles.header} style={{ background: token.colorBgContainer, borderColor: token.colorBorder }}>
        <strong className={styles.product}>{t("product")}</strong>
        <nav className={styles.nav} aria-label={t("product")}>
          {links.map((page) => (
            <NavLink
              key={page.path}
              to={`/${page.path.replace("/*", "")}`}
              title={page.key && `Alt+${page.key}`}
              className={({ isActive }) => (isActive ? `${styles.link} ${styles.active}` : styles.link)}
            >
              {t(`nav.${page.nav}`)}
            </NavLink>
          ))}
        </nav>
        <LiveTag />
        <LanguageButton />
        <Tooltip title={t("theme.switch")}>
          <Button
            type="text"
            size="small"
            aria-label={t("theme.switch")}
            icon={theme === "light" ? <MoonOutlined /> : <SunOutlined />}
            onClick={switchTheme}
          />
        </Tooltip>
        <span className="quiet">{account?.user}</span>
        <Tooltip title={t("signOut")}>
          <Button type="text" size="small" aria-label={t("signOut")} icon={<LogoutOutlined />} onClick={() => void leave()} />
        </Tooltip>
      </header>
      <OfflineBar />
      {atDesk && <SeatFrame />}
      <main id="content" className={styles.content} tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

/** Signs out; on a call, whose phone goes with the page, only who says so once more. */
function useLeave(): () => Promise<void> {
  const { t } = useTranslation();
  const { modal } = App.useApp();
  return async () => {
    const words = { title: t("leaving.title"), content: t("leaving.what"), okText: t("leaving.ok"), cancelText: t("leaving.cancel") };
    const talks = phone.state.call?.kind === "seat";
    if (!talks || (await modal.confirm({ ...words, okButtonProps: { danger: true }, autoFocusButton: "cancel" }))) await signOut();
  };
}

function LiveTag() {
  const { t } = useTranslation();
  const { state, behind } = useLive();
  if (state === "up" && behind > 5) return <Tag color="warning">{t("live.behind", { seconds: Math.round(behind) })}</Tag>;
  return (
    <Tag role="status" color={state === "up" ? "success" : state === "down" ? "error" : "default"}>
      {state === "down" ? t("state.offline") : t(`live.${state}`)}
    </Tag>
  );
}

function OfflineBar() {
  const { t } = useTranslation();
  const { state, since } = useLive();
  if (state !== "down") return null;
  return <Alert banner type="error" title={t("live.down", { time: since ? clock(since) : "—" })} />;
}

function useShortcuts(pages: Page[]): void {
  const navigate = useNavigate();
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (!event.altKey || event.ctrlKey || event.metaKey) return;
      const page = pages.find((one) => one.key === event.key);
      if (!page) return;
      event.preventDefault();
      navigate(`/${page.path.replace("/*", "")}`);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [navigate, pages]);
}
