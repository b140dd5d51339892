// One ordinary call: who it is, what becomes of it, what one needs to know; until its form is sent or put away.
import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useTranslation } from "react-i18next";

import { query } from "../../../api/client";
import { ErrorBoundary } from "../../../app/ErrorBoundary";
import { Since } from "../../../ui/time";
import styles from "../desk.module.css";
import { NoteBox } from "../NoteBox";
import { ElderFile } from "./ElderFile";
import { Intake } from "./Intake";
import { Knowledge } from "./Knowledge";

interface Props {
  id: string;
  live: boolean;
  done: () => void;
}

export function CallWork({ id, live, done }: Props) {
  const { t } = useTranslation("desk");
  const call = useQuery({ ...query("/api/v1/calls/{call_id}", { params: { path: { call_id: id } } }), queryKey: ["desk", "call", id] }).data;
  return (
    <div className={styles.work} data-testid="call-work">
      <div className={styles.workColumn}>
        <ErrorBoundary>
          <ElderFile callId={id} call={call} />
        </ErrorBoundary>
      </div>
      <div className={styles.workColumn}>
        <ErrorBoundary>
          <section className={styles.pane}>
            <h2>
              {t(`line.${call?.line ?? "hotline"}`)}
              {call?.digit && <span className="quiet">{t(`digit.${call.digit}`, { defaultValue: call.digit })}</span>}
              {call?.queue && <span className="quiet">{call.queue}</span>}
              {live && call ? <Since at={call.started_at} /> : <span className="quiet">{t("call.over")}</span>}
              {!live && (
                <Button size="small" type="text" style={{ marginInlineStart: "auto" }} onClick={done}>
                  {t("call.putAway")}
                </Button>
              )}
            </h2>
            <NoteBox subject="calls" id={id} stored={call && { text: call.note, revision: call.note_revision }} rows={4} />
          </section>
          <Intake id={id} call={call} done={done} />
        </ErrorBoundary>
      </div>
      <div className={styles.workColumn}>
        <ErrorBoundary>
          <Knowledge />
        </ErrorBoundary>
      </div>
    </div>
  );
}
