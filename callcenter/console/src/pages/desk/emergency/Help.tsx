// Bringing help in by one click or key: each button tells how far its call is.
import { CloseOutlined, PhoneOutlined } from "@ant-design/icons";
import { Button, Dropdown, Input, Space } from "antd";
import { memo, useState } from "react";
import { useTranslation } from "react-i18next";

import { Since } from "../../../ui/time";
import { Keys } from "../../../ui/Keys";
import { HELP, MORE_HELP, type Emergency, type HelpRole, type Leg } from "../shapes";
import type { EmergencyActions } from "./actions";
import styles from "./Emergency.module.css";

type Standing = "idle" | "trying" | "in" | "failed";

/** How far the calls to a role are: somebody is in, is being called, or the last attempt was in vain. */
export function standing(legs: Leg[]): { how: Standing; leg: Leg | undefined } {
  const joined = legs.find((leg) => leg.state === "joined");
  if (joined) return { how: "in", leg: joined };
  const trying = legs.findLast((leg) => leg.state !== "ended");
  if (trying) return { how: "trying", leg: trying };
  const last = legs.at(-1);
  return { how: last ? (last.joined_at ? "idle" : "failed") : "idle", leg: last };
}

export function HelpButtons({ one, actions }: { one: Emergency; actions: EmergencyActions }) {
  const { t } = useTranslation("desk");
  const open = one.state === "open";
  return (
    <section className={styles.card} aria-label={t("emergency.help")}>
      <div className={styles.help}>
        {HELP.map((role, index) => (
          <HelpButton
            key={role}
            role={role}
            hint={`Alt+${index + 1}`}
            legs={one.legs.filter((leg) => leg.role === role)}
            busy={actions.busy.has(`help:${role}`)}
            disabled={!open}
            actions={actions}
          />
        ))}
      </div>
      <div className={styles.more}>
        <AnyNumber actions={actions} disabled={!open} />
        <Dropdown
          disabled={!open}
          menu={{
            items: MORE_HELP.map((role) => ({ key: role, label: t(`roles.${role}`) })),
            onClick: ({ key }) => void actions.help(key as HelpRole),
          }}
        >
          <Button>{t("emergency.moreHelp")} ▾</Button>
        </Dropdown>
      </div>
    </section>
  );
}

interface ButtonProps {
  role: HelpRole;
  hint: string;
  legs: Leg[];
  busy: boolean;
  disabled: boolean;
  actions: EmergencyActions;
}

const same = (a: ButtonProps, b: ButtonProps) =>
  a.busy === b.busy && a.disabled === b.disabled && a.legs.map(({ id, state }) => id + state).join() === b.legs.map(({ id, state }) => id + state).join();

const HelpButton = memo(function HelpButton({ role, hint, legs, busy, disabled, actions }: ButtonProps) {
  const { t } = useTranslation("desk");
  const { how, leg } = standing(legs);
  const trying = how === "trying";
  return (
    <div className={`${styles.helper} ${role === "120" ? styles.ambulance : ""}`} data-standing={busy && how !== "in" ? "trying" : how}>
      <button
        type="button"
        className={styles.helpButton}
        disabled={disabled || busy || trying || how === "in"}
        onClick={() => void actions.help(role)}
        data-testid={`help-${role}`}
      >
        <span className={styles.helpName}>
          <PhoneOutlined /> {t(`roles.${role}`)}
        </span>
        <span className={styles.helpState} role="status">
          {busy && !trying && how !== "in" ? t("leg.asking") : <LegState how={how} leg={leg} />}
          {!busy && !trying && how !== "in" && !disabled && <Keys of={hint} />}
        </span>
      </button>
      {trying && leg && (
        <Button
          size="small"
          type="text"
          icon={<CloseOutlined />}
          aria-label={t("emergency.cancelCall", { who: t(`roles.${role}`) })}
          onClick={() => void actions.remove(leg.id)}
        />
      )}
    </div>
  );
}, same);

function LegState({ how, leg }: { how: Standing; leg: Leg | undefined }) {
  const { t } = useTranslation("desk");
  if (!leg || how === "idle") return <>{t("emergency.clickToCall")}</>;
  if (how === "failed") return <>{t("emergency.failedWhy", { why: t(`reason.${leg.reason}`, { defaultValue: leg.reason }) })}</>;
  return (
    <>
      {t(`leg.${leg.state}`)} {leg.name}{" "}
      <span aria-hidden>
        <Since at={leg.joined_at ?? leg.ringing_at ?? leg.added_at} />
      </span>
    </>
  );
}

function AnyNumber({ actions, disabled }: { actions: EmergencyActions; disabled: boolean }) {
  const { t } = useTranslation("desk");
  const [number, setNumber] = useState("");
  const dial = async () => {
    if (number.trim() && (await actions.help("number", number.trim()))) setNumber("");
  };
  return (
    <Space.Compact className={styles.any}>
      <Input
        aria-label={t("emergency.anyNumber")}
        placeholder={t("emergency.anyNumber")}
        value={number}
        inputMode="tel"
        disabled={disabled}
        onChange={({ target }) => setNumber(target.value)}
        onPressEnter={() => void dial()}
      />
      <Button disabled={disabled || !number.trim()} loading={actions.busy.has(`help:${number.trim()}`)} onClick={() => void dial()}>
        {t("emergency.dial")}
      </Button>
    </Space.Compact>
  );
}
