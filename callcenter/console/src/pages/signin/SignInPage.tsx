// Sign in with user name and password.
import { Alert, Button, Card, Form, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { signIn, SignInError } from "../../api/session";
import { LanguageButton } from "../../app/LanguageButton";

export function SignInPage() {
  const { t } = useTranslation();
  const [failed, setFailed] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async ({ user, password }: { user: string; password: string }) => {
    setBusy(true);
    setFailed("");
    try {
      await signIn(user.trim(), password);
    } catch (error) {
      if (!(error instanceof SignInError)) setFailed(t("state.offline"));
      else if (error.wait) setFailed(t("signIn.tooMany", { minutes: Math.ceil(error.wait / 60) }));
      else setFailed(error.status === 401 ? t("signIn.wrong") : t("signIn.failed", { detail: error.message }));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main style={{ display: "grid", placeItems: "center", minHeight: "100vh", background: "var(--ant-color-bg-layout)" }}>
      <Card
        title={<h1 style={{ fontSize: 18, margin: 0 }}>{t("product")}</h1>}
        style={{ width: 360 }}
        extra={<LanguageButton />}
      >
        <Form layout="vertical" onFinish={(values) => void submit(values)} requiredMark={false}>
          <Form.Item name="user" label={t("signIn.user")} rules={[{ required: true }]}>
            <Input autoFocus autoComplete="username" />
          </Form.Item>
          <Form.Item name="password" label={t("signIn.password")} rules={[{ required: true }]}>
            <Input.Password autoComplete="current-password" />
          </Form.Item>
          {failed && <Alert type="error" showIcon title={failed} style={{ marginBottom: 16 }} role="alert" />}
          <Button type="primary" htmlType="submit" block loading={busy}>
            {t("signIn.submit")}
          </Button>
        </Form>
      </Card>
    </main>
  );
}
