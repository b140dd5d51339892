// Dialling a number, and keys within a call.
import { Button, Input, Modal } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { phone } from "../../../phone";
import styles from "../desk.module.css";
import { useDesk } from "../store";
import { useSeatActions } from "./actions";

export function DialDialog() {
  const { t } = useTranslation("desk");
  const set = useDesk((state) => state.set);
  const actions = useSeatActions();
  const [number, setNumber] = useState("");
  const close = () => set({ dialog: null });
  const go = async () => {
    if (number.trim() && (await actions.dial(number.trim()))) close();
  };
  return (
    <Modal open title={t("dial.title")} okText={t("dial.go")} cancelText={t("cancel")} okButtonProps={{ disabled: !number.trim(), loading: actions.busy.has("dial") }} onOk={() => void go()} onCancel={close} width={360}>
      <Input autoFocus size="large" inputMode="tel" value={number} onChange={({ target }) => setNumber(target.value)} onPressEnter={() => void go()} placeholder={t("dial.number")} aria-label={t("dial.number")} />
      <p className="quiet">{t("dial.hint")}</p>
    </Modal>
  );
}

const DIGITS = [..."123456789*0#"];

export function KeypadDialog() {
  const { t } = useTranslation("desk");
  const set = useDesk((state) => state.set);
  const [sent, setSent] = useState("");
  const press = (digit: string) => {
    phone.keys(digit);
    setSent((all) => all + digit);
  };
  return (
    <Modal open footer={null} title={t("keypad.title")} onCancel={() => set({ dialog: null })} width={280}>
      <Input
        autoFocus
        readOnly
        value={sent}
        aria-label={t("keypad.sent")}
        style={{ marginBottom: 12 }}
        onKeyDown={({ key }) => DIGITS.includes(key) && press(key)}
      />
      <div className={styles.keypad}>
        {DIGITS.map((digit) => (
          <Button key={digit} onClick={() => press(digit)}>
            {digit}
          </Button>
        ))}
      </div>
    </Modal>
  );
}
