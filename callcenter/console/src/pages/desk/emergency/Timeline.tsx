// Everything that happened in an emergency, newest first, with time and actor.
import { memo, useMemo } from "react";
import { useTranslation } from "react-i18next";

import { clock } from "../../../ui/time";
import type { Fact } from "../../../live/socket";
import { useTimeline } from "../data";
import type { Leg } from "../shapes";
import styles from "./Emergency.module.css";

const SHOWN = 80;
/** What only the machine needs to know. */
const QUIET = new Set(["leg.left", "leg.answered", "message.sending", "message.sent", "emergency.help_wanted", "call.opened"]);
const MACHINES = new Set(["system", "pbx", "elder", "plan", "ladder"]);

export const Timeline = memo(function Timeline({ id, legs }: { id: string; legs: Leg[] }) {
  const { t } = useTranslation("desk");
  const facts = useTimeline(id);
  const shown = useMemo(
    () => (facts.data?.items ?? []).filter(({ kind }) => !QUIET.has(kind) && !kind.startsWith("recording.")).slice(-SHOWN).reverse(),
    [facts.data],
  );
  return (
    <section className={`${styles.card} ${styles.timeline}`} aria-label={t("emergency.timeline")} tabIndex={0}>
      <h3>{t("emergency.timeline")}</h3>
      {facts.isError && <p className="warn">{t("emergency.timelineAway")}</p>}
      <ol>
        {shown.map((fact) => (
          <li key={fact.id}>
            <time className="tabular quiet" dateTime={fact.at}>
              {clock(fact.at)}
            </time>
            <span>{inWords(fact as Fact, legs, t)}</span>
            <span className="quiet">{MACHINES.has(fact.actor) ? "" : fact.actor}</span>
          </li>
        ))}
      </ol>
    </section>
  );
});

type Words = (key: string, options?: Record<string, unknown>) => string;

/** A fact in words; one without words of its own by its kind. */
function inWords({ kind, data }: Pick<Fact, "kind" | "data">, legs: Leg[], t: Words): string {
  const leg = legs.find(({ id }) => id === data.leg_id);
  const named = data.role ?? leg?.role;
  const role = typeof named === "string" ? t(`roles.${named}`, { defaultValue: named }) : "";
  const why = String(data.reason ?? data.why ?? "");
  return t(`facts.${kind.replace(".", "_")}`, {
    ...data,
    role,
    who: String(data.name || data.number || data.by || leg?.name || (leg?.role === "elder" ? "" : leg?.number) || ""),
    why: why && t(`reason.${why}`, { defaultValue: why }),
    event: t(`kinds.${String(data.event ?? data.kind ?? "")}`, { defaultValue: "" }),
    seconds: typeof data.milliseconds === "number" ? (data.milliseconds / 1000).toFixed(1) : data.seconds,
    defaultValue: kind,
  });
}
