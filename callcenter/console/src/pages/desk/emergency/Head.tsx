// The head of an emergency: what it is, how long, who has it; the others that are open; the phone; the way out.
import { AudioMutedOutlined, AudioOutlined, CheckCircleOutlined, PhoneOutlined } from "@ant-design/icons";
import { Button, Select } from "antd";
import { useTranslation } from "react-i18next";

import { phone, usePhone } from "../../../phone";
import { Keys } from "../../../ui/Keys";
import { duration, Since } from "../../../ui/time";
import { KINDS, type Emergency, type Mine } from "../shapes";
import { putAside, show, useDesk } from "../store";
import type { EmergencyActions } from "./actions";
import styles from "./Emergency.module.css";

interface Props {
  one: Emergency;
  all: Emergency[];
  me: string;
  how: Mine;
  actions: EmergencyActions;
}

export function Head({ one, all, me, how, actions }: Props) {
  const { t } = useTranslation("desk");
  const set = useDesk((state) => state.set);
  const open = one.state === "open";
  return (
    <header className={styles.head} data-open={open}>
      <h1 className={styles.title}>
        {one.drill ? t("emergency.drill") : t("emergency.title")} · {one.elder_name || one.caller || t("unknownCaller")}
      </h1>
      {!open && t(`kinds.${one.kind}`)}
      {open && <Select
        aria-label={t("emergency.kind")}
        className={styles.kind}
        size="small"
        value={one.kind}
        options={KINDS.map((kind) => ({ value: kind, label: t(`kinds.${kind}`) }))}
        onChange={(kind) => void actions.kind(kind)}
      />}
      <span className={styles.clock}>
        {one.closed_at ? duration((Date.parse(one.closed_at) - Date.parse(one.opened_at)) / 1000) : <Since at={one.opened_at} />}
      </span>
      <span className={styles.whoHas} role="status">
        {!open
          ? t("emergency.closed", { outcome: t(`outcome.${one.outcome}`, { defaultValue: one.outcome }) })
          : one.needs_human
            ? t("emergency.waits")
            : t("emergency.has", { who: one.answered_by === me ? t("emergency.me") : one.answered_by, seconds: ((one.human_answer_ms ?? 0) / 1000).toFixed(1) })}
      </span>
      <nav className={styles.tabs} aria-label={t("emergency.others")}>
        {all.length > 1 &&
          all.map((other) => (
            <button
              key={other.id}
              type="button"
              aria-current={other.id === one.id}
              className={styles.tab}
              data-waits={other.needs_human}
              onClick={() => show(other.id)}
            >
              {other.needs_human && <span aria-label={t("emergency.waits")}>● </span>}
              {other.elder_name || other.caller || t("unknownCaller")} <Since at={other.opened_at} />
            </button>
          ))}
      </nav>
      <span className={styles.headActs}>
        {how === "talking" && <OwnPhone />}
        {open && how === "none" && (
          <Button size="small" type="primary" icon={<PhoneOutlined />} loading={actions.busy.has("join")} onClick={() => void actions.join()} data-testid="join-emergency">
            {t("emergency.join")}
            <Keys of="Alt+J" />
          </Button>
        )}
        {open && how !== "ringing" && (
          <Button size="small" icon={<CheckCircleOutlined />} onClick={() => set({ dialog: "close" })} data-testid="close-emergency">
            {t("close.button")}
            <Keys of="Alt+C" />
          </Button>
        )}
        {how !== "ringing" && (
          <Button size="small" onClick={() => putAside(one.id)}>
            {t(open ? "emergency.aside" : "emergency.leave")}
            <Keys of="Alt+0" />
          </Button>
        )}
      </span>
    </header>
  );
}

function OwnPhone() {
  const { t } = useTranslation("desk");
  const [state] = usePhone();
  if (state.status === "waiting")
    return (
      <Button size="small" onClick={() => phone.takeOver()}>
        {t("phone.waiting")} · {t("phone.takeOver")}
      </Button>
    );
  if (state.call?.kind !== "seat") return null;
  return (
    <>
      <Button size="small" icon={state.muted ? <AudioMutedOutlined /> : <AudioOutlined />} aria-pressed={state.muted} onClick={() => phone.mute(!state.muted)}>
        {t(state.muted ? "bar.unmute" : "bar.mute")}
        <Keys of="F8" />
      </Button>
      <Button size="small" icon={<PhoneOutlined rotate={135} />} onClick={() => phone.hangUp()}>
        {t("bar.leave")}
        <Keys of="F4" />
      </Button>
    </>
  );
}
