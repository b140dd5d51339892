// The hotline desk: the call at hand with everything about who calls, else how the queues stand and what there is to do.
import { useEffect } from "react";
import { useTranslation } from "react-i18next";

import { useMyCall } from "./data";
import { ErrorBoundary } from "../../app/ErrorBoundary";
import styles from "./desk.module.css";
import { Knowledge } from "./hotline/Knowledge";
import { useDesk } from "./store";
import { CallWork } from "./hotline/CallWork";
import { Idle } from "./hotline/Idle";

export default function DeskPage() {
  const { t } = useTranslation();
  const call = useMyCall();
  const { offered, working, set } = useDesk();
  const ordinary = call && call.line !== "emergency" ? call.id : null;
  const shown = ordinary ?? (offered && call?.line !== "emergency" ? offered.callId : working);
  const answered = ordinary !== null && call?.human_at != null;
  useEffect(() => {
    // A call that was answered here stays open until its form is done; one that only rang does not.
    if (answered && ordinary !== working) set({ working: ordinary });
  }, [answered, ordinary, working, set]);
  return (
    <div className={styles.work}>
      <h1 className={styles.unseen}>{t("nav.desk")}</h1>
      {shown ? <CallWork key={shown} id={shown} live={ordinary === shown} done={() => set({ working: null })} /> : <Idle />}
      <div className={styles.workColumn}>
        <ErrorBoundary>
          <Knowledge />
        </ErrorBoundary>
      </div>
    </div>
  );
}
