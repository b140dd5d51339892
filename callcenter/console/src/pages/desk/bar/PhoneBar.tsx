// The phone bar: is the phone there, what does the seat do, who is on the line, and what can be done about it.
import { PhoneOutlined, QuestionCircleOutlined } from "@ant-design/icons";
import { Button, Tooltip } from "antd";
import { useTranslation } from "react-i18next";

import { usePhone } from "../../../phone";
import { Keys } from "../../../ui/Keys";
import { useMine, useMyCall } from "../data";
import styles from "../desk.module.css";
import { usePhoneKind } from "../phonekind";
import { useDesk } from "../store";
import { CallPart } from "./CallPart";
import { Parked } from "./Parked";
import { SeatState } from "./SeatState";

export function PhoneBar() {
  const { t } = useTranslation("desk");
  const set = useDesk((state) => state.set);
  const call = useMyCall();
  const { emergency } = useMine();
  const current = emergency ? undefined : call;
  const [{ call: line }] = usePhone();
  const busy = current !== undefined || line !== null;
  return (
    <section className={styles.bar} aria-label={t("bar.title")} data-testid="phone-bar">
      <PhoneLamp brief={busy} />
      <SeatState />
      <CallPart call={current} name={emergency?.elder_name || emergency?.caller} />
      <span className={styles.spring} />
      {!busy && <Parked />}
      {!busy && (
      <Button size="small" icon={<PhoneOutlined />} onClick={() => set({ dialog: "dial" })}>
        {t("bar.dial")}
        <Keys of="Alt+O" />
      </Button>
      )}
      <Tooltip title={t("help.title")}>
        <Button size="small" type="text" icon={<QuestionCircleOutlined />} aria-label={t("help.title")} onClick={() => set({ dialog: "help" })}>
          {!busy && <Keys of="?" />}
        </Button>
      </Tooltip>
    </section>
  );
}

function PhoneLamp({ brief }: { brief: boolean }) {
  const { t } = useTranslation("desk");
  const [{ status, problem }] = usePhone();
  const kind = usePhoneKind((state) => state.kind);
  const set = useDesk((state) => state.set);
  const words = kind === "hardware" ? t("phone.hardware") : problem ? t(`phone.problem.${problem}.title`) : t(`phone.${status}`);
  return (
    <Tooltip title={`${words} · ${t("phone.open")}`}>
      <button type="button" className={styles.phone} onClick={() => set({ dialog: "devices" })} aria-label={words} data-testid="phone-lamp" data-status={status}>
        <span className={styles.lamp} data-status={kind === "hardware" ? "registered" : status} aria-hidden />
        {brief && status === "registered" ? null : <span role="status">{words}</span>}
      </button>
    </Tooltip>
  );
}
