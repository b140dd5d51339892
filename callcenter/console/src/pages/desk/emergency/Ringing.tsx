// The alarm: one key answers.
import { PhoneFilled } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import { query } from "../../../api/client";
import { usePhone } from "../../../phone";
import { Keys } from "../../../ui/Keys";
import { useNow } from "../../../ui/time";
import { usePhoneKind } from "../phonekind";
import type { Emergency } from "../shapes";
import styles from "./Emergency.module.css";

export function Ringing({ one, answer }: { one: Emergency; answer: () => void }) {
  const { t } = useTranslation("desk");
  const [phone] = usePhone();
  const config = useQuery({ ...query("/api/v1/console/config"), staleTime: Infinity });
  const limit = config.data?.human_answer_seconds ?? 5;
  const waited = Math.max(0, Math.floor((useNow() - Date.parse(one.opened_at)) / 1000));
  const kind = usePhoneKind((state) => state.kind);
  const inPage = phone.call?.kind === "seat";
  const here = inPage && phone.call?.state === "ringing";
  const elsewhere = kind === "hardware" ? "atPhone" : phone.status === "waiting" ? "otherTab" : "coming";
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), [here]);
  return (
    <div className={styles.ringing}>
      <div className={styles.ringingWords}>
        <strong role="alert">{t("ringing.title", { name: one.elder_name || one.caller || t("unknownCaller"), kind: t(`kinds.${one.kind}`) })}</strong>
        <span>{t(waited >= limit ? "ringing.late" : "ringing.waited", { seconds: waited })}</span>
      </div>
      {here ? (
        <button ref={button} type="button" className={styles.answer} onClick={answer} data-testid="answer-emergency">
          <PhoneFilled /> {t("ringing.answer")}
          <Keys of={t("ringing.keys")} />
        </button>
      ) : (
        <span className={styles.atPhone} role="status" data-testid="answering" data-answered={inPage}>
          {t(inPage ? "ringing.answering" : `ringing.${elsewhere}`)}
        </span>
      )}
    </div>
  );
}
