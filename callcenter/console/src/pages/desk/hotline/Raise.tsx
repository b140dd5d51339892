// A call that turns out to be an emergency: raised by hand, with her plan, at once.
import { AlertOutlined } from "@ant-design/icons";
import { App, Button, Checkbox, Input } from "antd";
import { useTranslation } from "react-i18next";

import { api } from "../../../api/client";
import { insist } from "../ask";
import { useActing } from "../emergency/actions";
import type { Call } from "../shapes";
import { show } from "../store";

/** `hers`: whether she calls from a number of her own, or nobody knows who it is. */
export function Raise({ elderId, caller, call, hers }: { elderId: string | null; caller: string; call: Call | undefined; hers: boolean }) {
  const { t } = useTranslation("desk");
  const { modal } = App.useApp();
  const { act, busy } = useActing();
  const raise = async () => {
    const running = call && !call.ended_at && call.line !== "emergency" ? call.id : null;
    // The call itself becomes the emergency, unless whoever calls is far from her: then she is called.
    let stays = running !== null;
    // Who withholds the number, is not on file and has hung up cannot be called.
    let asked = "";
    const content = (
      <>
        {t(running ? "file.raiseHere" : "file.raiseWhat")}
        {running && !hers && (
          <Checkbox defaultChecked onChange={({ target }) => (stays = target.checked)} style={{ marginTop: 8 }}>
            {t("file.raiseStays")}
          </Checkbox>
        )}
        {!running && !elderId && !caller && (
          <Input autoFocus inputMode="tel" style={{ marginTop: 8 }} placeholder={t("file.raiseNumber")} aria-label={t("file.raiseNumber")} onChange={({ target }) => (asked = target.value.trim())} />
        )}
      </>
    );
    if (!(await modal.confirm({ title: t("file.raiseConfirm"), content, okText: t("file.raise"), okButtonProps: { danger: true, style: { background: "var(--emergency)", color: "var(--emergency-ink)" } }, cancelText: t("cancel") }))) return;
    const who = elderId ? { elder_id: elderId } : caller || asked ? { caller: caller || asked } : {};
    const body = { kind: "manual" as const, ...who, ...(stays ? { call_id: running } : {}) };
    const opened = await act("raise", () => insist((header) => api.POST("/api/v1/emergencies", { params: { header }, body })));
    if (opened) show(opened.id);
  };
  return (
    <Button size="small" danger icon={<AlertOutlined />} loading={busy.has("raise")} onClick={() => void raise()}>
      {t("file.raise")}
    </Button>
  );
}
