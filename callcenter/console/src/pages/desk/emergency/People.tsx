// Who is on the line, who is being called, who could not be reached; each to be muted, let go or tried again.
import { AudioMutedOutlined, AudioOutlined, CloseOutlined, RedoOutlined } from "@ant-design/icons";
import { Button, Tooltip } from "antd";
import { memo, useMemo } from "react";
import { useTranslation } from "react-i18next";

import { Since } from "../../../ui/time";
import { useTimeline } from "../data";
import { silenced } from "../fold";
import { up, type Emergency, type HelpRole, type Leg } from "../shapes";
import type { EmergencyActions } from "./actions";
import styles from "./Emergency.module.css";

const OVER_SHOWN = 4;

export function People({ one, actions, me }: { one: Emergency; actions: EmergencyActions; me: string }) {
  const { t } = useTranslation("desk");
  const live = one.legs.filter(up);
  const reached = new Set(live.map(({ number }) => number));
  // Of those in vain only the last attempt to each, and only who is not being called again.
  const over = [...new Map(one.legs.filter((leg) => !up(leg) && leg.role !== "seat").map((leg) => [leg.number, leg])).values()]
    .filter(({ number }) => !reached.has(number))
    .slice(-OVER_SHOWN);
  const facts = useTimeline(one.id).data?.items;
  const muted = useMemo(() => silenced(facts ?? []), [facts]);
  const elderUp = live.some(({ role }) => role === "elder");
  return (
    <section className={styles.card} aria-label={t("emergency.people")}>
      <h3>{t("emergency.people")}</h3>
      {!elderUp && one.state === "open" && (
        <p className={styles.dropped} role="alert">
          {t("emergency.dropped")}
        </p>
      )}
      <ul className={styles.people}>
        {[...live, ...over].map((leg) => (
          <Person key={leg.id} leg={leg} muted={muted.has(leg.id)} mine={leg.role === "seat" && leg.number === me} actions={actions} open={one.state === "open"} />
        ))}
      </ul>
    </section>
  );
}

interface PersonProps {
  leg: Leg;
  muted: boolean;
  mine: boolean;
  open: boolean;
  actions: EmergencyActions;
}

const Person = memo(
  function Person({ leg, muted, mine, open, actions }: PersonProps) {
    const { t } = useTranslation("desk");
    const over = !up(leg);
    const elder = leg.role === "elder";
    const who = leg.name || leg.number;
    return (
      <li className={styles.leg} data-state={leg.state}>
        <span className={styles.dot} aria-hidden />
        <span className={styles.legWho}>
          <b>{t(`roles.${leg.role}`, { defaultValue: leg.role })}</b> {mine ? t("emergency.me") : who}
          {leg.name && leg.number !== leg.name && <span className="quiet tabular"> {leg.number}</span>}
        </span>
        <span className={over ? "bad" : "quiet"}>
          {over ? t(`reason.${leg.reason}`, { defaultValue: leg.reason }) : t(elder && leg.state === "answered" ? "leg.waiting" : `leg.${leg.state}`)}{" "}
          <span aria-hidden>
            <Since at={leg.ended_at ?? leg.joined_at ?? leg.ringing_at ?? leg.added_at} />
          </span>
        </span>
        <span className={styles.legActs}>
          {leg.state === "joined" && !elder && !mine && (
            <Tooltip title={t(muted ? "emergency.unmute" : "emergency.mute")}>
              <Button size="small" type="text" icon={muted ? <AudioMutedOutlined /> : <AudioOutlined />} aria-label={`${t(muted ? "emergency.unmute" : "emergency.mute")} ${who}`} onClick={() => void actions.mute(leg.id, !muted)} />
            </Tooltip>
          )}
          {!over && !elder && !mine && open && (
            <Tooltip title={t("emergency.remove")}>
              <Button size="small" type="text" danger icon={<CloseOutlined />} aria-label={`${t("emergency.remove")} ${who}`} onClick={() => void actions.remove(leg.id)} />
            </Tooltip>
          )}
          {over && !elder && open && (
            <Button
              size="small"
              icon={<RedoOutlined />}
              loading={actions.busy.has(`help:${leg.number}`)}
              onClick={() => void (leg.role === "120" ? actions.help("120") : actions.help(leg.role as HelpRole, leg.number))}
            >
              {t("emergency.again")}
            </Button>
          )}
        </span>
      </li>
    );
  },
  (a, b) => a.muted === b.muted && a.mine === b.mine && a.open === b.open && a.leg === b.leg && a.actions.busy === b.actions.busy,
);
