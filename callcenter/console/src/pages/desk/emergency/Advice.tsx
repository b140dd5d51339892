// What the machine noticed and the operator should act on: silence, a dropped line, a late answer, help that failed.
import { Button } from "antd";
import { useTranslation } from "react-i18next";

import { broken, phone, usePhone } from "../../../phone";
import { clock } from "../../../ui/time";
import { useTimeline } from "../data";
import { type Emergency, type Mine } from "../shapes";
import styles from "./Emergency.module.css";

const RECENT_MS = 180_000;

export function Advice({ one, how }: { one: Emergency; how: Mine }) {
  const { t } = useTranslation("desk");
  const presses = (useTimeline(one.id).data?.items ?? []).filter(({ kind }) => kind === "emergency.pressed");
  const last = presses.at(-1);
  const [own] = usePhone();
  const lines: string[] = [];
  const voiceless = how === "talking" && own.problem !== null && own.problem !== "sound_blocked";
  if (voiceless) lines.push(`${t(`phone.problem.${own.problem!}.title`)}: ${t(`phone.problem.${own.problem!}.remedy`)}`);
  else if (how === "talking" && broken(own)) lines.push(t("advice.unheard"));
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
      {voiceless && (
        <Button size="small" type="primary" onClick={() => void phone.retry()} data-testid="microphone-again">
          {t("phone.retry")}
        </Button>
      )}
    </div>
  );
}
