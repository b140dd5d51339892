// What the machine noticed and the operator should act on: silence, a dropped line, a late answer, help that failed.
import { useTranslation } from "react-i18next";

import { type Emergency, type Mine } from "../shapes";
import styles from "./Emergency.module.css";

export function Advice({ one, how }: { one: Emergency; how: Mine }) {
  const { t } = useTranslation("desk");
  const lines: string[] = [];
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
