// What the machine noticed and the operator should act on: silence, a dropped line, a late answer, help that failed.
import { useTranslation } from "react-i18next";

import { clock } from "../../../ui/time";
import { useTimeline } from "../data";
import { type Emergency, type Mine } from "../shapes";
import styles from "./Emergency.module.css";

const RECENT_MS = 180_000;

export function Advice({ one, how }: { one: Emergency; how: Mine }) {
  const { t } = useTranslation("desk");
  const presses = (useTimeline(one.id).data?.items ?? []).filter(({ kind }) => kind === "emergency.pressed");
  const last = presses.at(-1);
  const lines: string[] = [];
  if (one.state === "open" && last && Date.now() - Date.parse(last.at) < RECENT_MS)
    lines.push(t("advice.pressed", { count: presses.length, at: clock(last.at) }));
  if (one.drill) lines.push(t("advice.drill"));
  if (one.state === "open" && one.silence) lines.push(t(`advice.${one.silence}`, { defaultValue: "" }));
  if (one.state === "open" && one.late && one.needs_human) lines.push(t("advice.late"));
  if (one.state === "open" && !one.needs_human && how === "none" && !one.legs.some((leg) => leg.role === "seat" && leg.state === "joined"))
    lines.push(t("advice.nobody"));
  const shown = lines.filter(Boolean);
  if (!shown.length) return null;
  return (
    <div className={styles.advice} role="alert">
      {shown.map((line) => (
        <p key={line}>{line}</p>
      ))}
    </div>
  );
}
