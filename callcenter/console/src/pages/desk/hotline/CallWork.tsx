// One ordinary call: who it is, what becomes of it, what one needs to know; until its form is sent or put away.
import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { query } from "../../../api/client";
import { ErrorBoundary } from "../../../app/ErrorBoundary";
import { Since } from "../../../ui/time";
import styles from "../desk.module.css";
import { NoteBox } from "../NoteBox";
import { ElderFile } from "./ElderFile";
import { Intake } from "./Intake";

const FORM_AFTER_MS = 150;

/** A queue by its name rather than its code. */
export function QueueName({ code }: { code: string }) {
  const { i18n } = useTranslation();
  const queues = useQuery({ ...query("/api/v1/queues"), queryKey: ["desk", "queue-names"], staleTime: 300_000 });
  const found = queues.data?.items.find((one) => one.code === code);
  return <span className="quiet">{(i18n.language === "en" && found?.name_en) || found?.name || code}</span>;
}

/** False until the first picture is on the screen: the file comes first, the form a moment later. */
function usePainted(): boolean {
  const [painted, setPainted] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const frame = requestAnimationFrame(() => (timer = setTimeout(() => setPainted(true), FORM_AFTER_MS)));
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, []);
  return painted;
}

interface Props {
  id: string;
  live: boolean;
  done: () => void;
}

export function CallWork({ id, live, done }: Props) {
  const { t } = useTranslation("desk");
  const call = useQuery({ ...query("/api/v1/calls/{call_id}", { params: { path: { call_id: id } } }), queryKey: ["desk", "call", id] }).data;
  const painted = usePainted();
  return (
    <>
      <div className={styles.workColumn} data-testid="call-work">
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
              {call?.queue && <QueueName code={call.queue} />}
              {live && call ? <Since at={call.started_at} /> : <span className="quiet">{t("call.over")}</span>}
              {!live && (
                <Button size="small" type="text" style={{ marginInlineStart: "auto" }} onClick={done}>
                  {t("call.putAway")}
                </Button>
              )}
            </h2>
            <NoteBox subject="calls" id={id} stored={call && { text: call.note, revision: call.note_revision }} rows={4} />
          </section>
          {painted && <Intake id={id} call={call} done={done} />}
        </ErrorBoundary>
      </div>
    </>
  );
}
