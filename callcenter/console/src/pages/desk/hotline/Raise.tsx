// A call that turns out to be an emergency: raised by hand, with her plan, at once.
import { AlertOutlined } from "@ant-design/icons";
import { App, Button, Input } from "antd";
import { useTranslation } from "react-i18next";

import { api } from "../../../api/client";
import { insist } from "../ask";
import { useActing } from "../emergency/actions";
import { show } from "../store";

export function Raise({ elderId, caller }: { elderId: string | null; caller: string }) {
  const { t } = useTranslation("desk");
  const { modal } = App.useApp();
  const { act, busy } = useActing();
  const raise = async () => {
    // Who withholds the number and is not on file has to be asked for one.
    let asked = "";
    const ask = !elderId && !caller && (
      <Input autoFocus inputMode="tel" style={{ marginTop: 8 }} placeholder={t("file.raiseNumber")} aria-label={t("file.raiseNumber")} onChange={({ target }) => (asked = target.value.trim())} />
    );
    const content = (
      <>
        {t("file.raiseWhat")}
        {ask}
      </>
    );
    if (!(await modal.confirm({ title: t("file.raiseConfirm"), content, okText: t("file.raise"), okButtonProps: { danger: true, style: { background: "var(--emergency)", color: "var(--emergency-ink)" } }, cancelText: t("cancel") }))) return;
    const body = { kind: "manual" as const, ...(elderId ? { elder_id: elderId } : { caller: caller || asked }) };
    const opened = await act("raise", () => insist((header) => api.POST("/api/v1/emergencies", { params: { header }, body })));
    if (opened) show(opened.id);
  };
  return (
    <Button size="small" danger icon={<AlertOutlined />} loading={busy.has("raise")} onClick={() => void raise()}>
      {t("file.raise")}
    </Button>
  );
}
