// What an operator has on every page: the phone, its bar, and the emergency that takes the whole screen.
import { App, Alert, Button } from "antd";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router-dom";

import { useSession } from "../../api/session";
import { live } from "../../live/socket";
import { phone, usePhone, useSeatPhone } from "../../phone";
import { DialDialog, KeypadDialog } from "./bar/DialDialogs";
import { PhoneBar } from "./bar/PhoneBar";
import { TransferDialog } from "./bar/TransferDialog";
import { DeviceCheck } from "./check/DeviceCheck";
import { useDeskFacts, useMe } from "./data";
import { EmergencyWatch } from "./EmergencyWatch";
import { HelpDialog } from "./HelpDialog";
import { KeyLayer, useKeys } from "./keys";
import { checkedToday, usePhoneKind } from "./phonekind";
import { useDesk } from "./store";
import { UnsentNotes } from "./UnsentNotes";

export function SeatFrame() {
  return (
    <KeyLayer.Provider value="frame">
      <Frame />
    </KeyLayer.Provider>
  );
}

function Frame() {
  const me = useMe();
  const operator = useSession((state) => state.account?.role === "operator");
  const kind = usePhoneKind((state) => state.kind);
  const { dialog, set } = useDesk();
  useDeskFacts();
  useTransferNews(me);
  useScreenPop();
  useEffect(() => {
    if (operator && me && !checkedToday(me)) set({ dialog: "devices" });
  }, [operator, me, set]);
  useKeys([
    { keys: ["?", "？"], name: "help", act: () => set({ dialog: "help" }) },
    { keys: ["Alt+O"], name: "dial", act: () => set({ dialog: "dial" }) },
  ]);
  return (
    <>
      {kind === "web" && <WebPhone />}
      <EmergencyWatch />
      <PhoneBar />
      {kind === "web" && <PhoneNotices />}
      <UnsentNotes />
      {dialog === "help" && <HelpDialog />}
      {dialog === "devices" && <DeviceCheck />}
      {dialog === "dial" && <DialDialog />}
      {dialog === "keypad" && <KeypadDialog />}
      {dialog === "transfer" && <TransferDialog />}
    </>
  );
}

/** A call that rings brings its page up, on whatever page; but for somebody who is writing there. */
function useScreenPop(): void {
  const offered = useDesk((state) => state.offered?.callId);
  const navigate = useNavigate();
  useEffect(() => {
    const writes = document.querySelector("main :focus:is(input, textarea), .ant-modal-wrap:not([style*=none])");
    if (offered && !writes) navigate("/desk");
  }, [offered, navigate]);
}

/** Why a caller who was given away is back. */
function useTransferNews(me: string): void {
  const { notification } = App.useApp();
  const { t } = useTranslation("desk");
  useEffect(
    () =>
      live.subscribe(({ kind, data }) => {
        if (kind !== "call.transfer_failed" || data.by !== me || data.why === "cancelled") return;
        const why = t(`reason.${String(data.why)}`, { defaultValue: String(data.why) });
        notification.warning({ title: t("transfer.failed", { to: String(data.to).replace(/^\w+:/, ""), why }), duration: 10 });
      }),
    [me, notification, t],
  );
}

function WebPhone() {
  useSeatPhone();
  const { notification } = App.useApp();
  const { t } = useTranslation("desk");
  useEffect(
    () =>
      phone.on("device", ({ kind, label }) =>
        notification.warning({ title: t(`phone.gone.${kind}`), description: label ? t("phone.gone.instead", { label }) : t("phone.gone.none"), duration: 0 }),
      ),
    [notification, t],
  );
  useEffect(
    () =>
      phone.on("ended", ({ call, reason }) => {
        if (reason !== "lost" || call.kind !== "seat") return;
        notification.error({ title: t("phone.lostCall.title"), description: t("phone.lostCall.remedy"), duration: 0 });
      }),
    [notification, t],
  );
  return null;
}

/** What keeps the phone from working, and what to do about it. */
function PhoneNotices() {
  const { t } = useTranslation("desk");
  const [{ status, problem }] = usePhone();
  if (status === "waiting")
    return (
      <Alert
        banner
        type="warning"
        data-testid="other-tab"
        title={t("phone.otherTab")}
        action={
          <Button size="small" type="primary" onClick={() => phone.takeOver()}>
            {t("phone.takeOver")}
          </Button>
        }
      />
    );
  if (problem)
    return (
      <Alert
        banner
        type={problem === "sound_blocked" ? "warning" : "error"}
        data-testid="phone-problem"
        title={t(`phone.problem.${problem}.title`)}
        description={t(`phone.problem.${problem}.remedy`)}
        action={
          (status === "blocked" || problem.startsWith("microphone")) && (
            <Button size="small" type="primary" onClick={() => void phone.retry()}>
              {t("phone.retry")}
            </Button>
          )
        }
      />
    );
  if (status === "lost") return <Alert banner type="error" title={t("phone.lostLong")} />;
  return null;
}
