// The plan's checklist, ticked off with the time and who did it.
import { Checkbox, Progress } from "antd";
import { useTranslation } from "react-i18next";

import { clock } from "../../../ui/time";
import type { Emergency } from "../shapes";
import type { EmergencyActions } from "./actions";
import styles from "./Emergency.module.css";

export function Steps({ one, actions }: { one: Emergency; actions: EmergencyActions }) {
  const { t } = useTranslation("desk");
  const done = one.checklist.filter(({ ticked_at }) => ticked_at).length;
  const plan = typeof one.plan.name === "string" ? one.plan.name : "";
  return (
    <section className={styles.card} aria-label={t("emergency.steps")}>
      <h3>
        {t("emergency.steps")} <span className="quiet">{plan}</span>
        {one.checklist.length > 0 && (
          <Progress aria-label={t("emergency.steps")} className={styles.progress} percent={Math.round((100 * done) / one.checklist.length)} format={() => `${done}/${one.checklist.length}`} size="small" />
        )}
      </h3>
      {one.checklist.length === 0 && <p className="quiet">{t("emergency.noSteps")}</p>}
      <ol className={styles.steps}>
        {one.checklist.map(({ sentence, ticked_at, ticked_by }) => (
          <li key={sentence}>
            <Checkbox
              checked={ticked_at !== null}
              disabled={one.state !== "open" || actions.busy.has(`tick:${sentence}`)}
              onChange={({ target }) => void actions.tick(sentence, target.checked)}
            >
              {sentence}
              {ticked_at && (
                <span className="quiet tabular">
                  {" "}
                  {clock(ticked_at)} {ticked_by}
                </span>
              )}
            </Checkbox>
          </li>
        ))}
      </ol>
    </section>
  );
}
