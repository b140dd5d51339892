// Before the first call of the day: is one heard, does one hear, does the phone reach the exchange.
import { App, Alert, Button, Modal, Radio, Select, Space, Steps, Switch } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { phone, usePhone, type Device } from "../../../phone";
import { alarm } from "../alarm";
import { useMe } from "../data";
import { choosePhone, noteChecked, usePhoneKind } from "../phonekind";
import { useDesk } from "../store";
import { Meter } from "./Meter";

export function DeviceCheck() {
  const { t } = useTranslation("desk");
  const me = useMe();
  const set = useDesk((state) => state.set);
  const kind = usePhoneKind((state) => state.kind);
  const close = () => {
    void alarm.unlock();
    noteChecked(me);
    if (phone.state.call?.kind === "test") phone.hangUp();
    set({ dialog: null });
  };
  return (
    <Modal
      open
      title={t("check.title")}
      onCancel={close}
      width={560}
      footer={
        <Button type="primary" onClick={close} data-testid="check-done" autoFocus>
          {t("check.done")}
        </Button>
      }
    >
      <Radio.Group
        value={kind}
        onChange={({ target }) => choosePhone(target.value as "web")}
        options={(["web", "hardware"] as const).map((value) => ({ value, label: t(`check.${value}`) }))}
        style={{ marginBottom: 14 }}
      />
      {kind === "web" ? <WebCheck /> : <p className="quiet">{t("check.hardwareHint")}</p>}
      <Notices />
    </Modal>
  );
}

function WebCheck() {
  const { t } = useTranslation("desk");
  const [state] = usePhone();
  const { devices, problem, status, call } = state;
  const testing = call?.kind === "test";
  const hears = status === "registered" || status === "lost" || status === "connecting";
  return (
    <>
      {problem && (
        <Alert
          type="error"
          showIcon
          style={{ marginBottom: 12 }}
          title={t(`phone.problem.${problem}.title`)}
          description={t(`phone.problem.${problem}.remedy`)}
          action={status === "blocked" && <Button size="small" onClick={() => void phone.retry()}>{t("phone.retry")}</Button>}
        />
      )}
      <Steps
        orientation="vertical"
        size="small"
        items={[
          {
            title: t("check.microphone"),
            status: hears ? "finish" : "wait",
            content: (
              <Space orientation="vertical" style={{ width: 420 }}>
                <Pick label={t("check.microphone")} of={devices.inputs} value={devices.input} choose={(input) => void phone.choose({ input })} />
                <Meter label={t("check.level")} />
                <span className="quiet">{t("check.speak")}</span>
              </Space>
            ),
          },
          {
            title: t("check.speaker"),
            status: "finish",
            content: (
              <Space orientation="vertical" style={{ width: 420 }}>
                <Pick label={t("check.speaker")} of={devices.outputs} value={devices.output} choose={(output) => void phone.choose({ output })} />
                <Pick label={t("check.ringer")} of={devices.outputs} value={devices.ringer} choose={(ringer) => void phone.choose({ ringer })} />
                <Button size="small" onClick={() => void alarm.beep()}>
                  {t("check.tone")}
                </Button>
                <span>
                  <Switch size="small" checked={devices.processing} onChange={(processing) => void phone.choose({ processing })} aria-label={t("check.processing")} /> {t("check.processing")}
                </span>
              </Space>
            ),
          },
          {
            title: t("check.call"),
            status: status === "registered" ? "finish" : "process",
            content: (
              <Space orientation="vertical">
                <span role="status" className={status === "registered" ? "good" : "warn"}>
                  {t(`phone.${status}`)}
                </span>
                <Button size="small" disabled={status !== "registered" || (call !== null && !testing)} onClick={() => (testing ? phone.hangUp() : phone.test())} data-testid="test-call">
                  {t(testing ? "check.endTest" : "check.startTest")}
                </Button>
                {testing && <span className={call.media === "flowing" ? "good" : "quiet"}>{t(call.media === "flowing" ? "check.echo" : "check.connecting")}</span>}
              </Space>
            ),
          },
        ]}
      />
    </>
  );
}

function Pick({ label, of, value, choose }: { label: string; of: Device[]; value: string; choose: (id: string) => void }) {
  const { t } = useTranslation("desk");
  return (
    <Select
      aria-label={label}
      prefix={<span className="quiet">{label}</span>}
      style={{ width: "100%" }}
      value={of.some(({ id }) => id === value) ? value : ""}
      onChange={choose}
      options={[{ value: "", label: t("check.system") }, ...of.filter(({ id }) => id !== "default").map(({ id, label: name }) => ({ value: id, label: name || id }))]}
    />
  );
}

/** Whether the browser may show a notification while another window is in front. */
function Notices() {
  const { t } = useTranslation("desk");
  const { message } = App.useApp();
  const [permission, setPermission] = useState(() => ("Notification" in window ? Notification.permission : "denied"));
  if (permission === "granted") return null;
  const ask = async () => {
    if ("Notification" in window) setPermission(await Notification.requestPermission());
    else void message.info(t("check.noNotices"));
  };
  return (
    <p>
      {permission === "denied" ? (
        <span className="quiet">{t("check.noNotices")}</span>
      ) : (
        <Button size="small" onClick={() => void ask()}>
          {t("check.notices")}
        </Button>
      )}
    </p>
  );
}
