// After signing in: what the same person wrote at this browser the last time and could not send any more. It is being
// sent now; who wrote it sees that, and can look at it where it belongs.
import { Alert, Button } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router-dom";

import { useMe } from "./data";
import styles from "./desk.module.css";
import { resumeNotes, stopNotes, useNote, type Unsent } from "./notes";
import { show, useDesk } from "./store";

/** Whose page this tab is: after a reload the note stands in its box, nothing needs to be told. */
const HERE = "callcenter.desk.here";

export function UnsentNotes() {
  const { t } = useTranslation("desk");
  const me = useMe();
  const [found, setFound] = useState<Unsent[]>([]);
  useEffect(() => {
    const unsent = resumeNotes(me);
    if (sessionStorage.getItem(HERE) !== me) setFound(unsent);
    sessionStorage.setItem(HERE, me);
    return () => {
      stopNotes();
      sessionStorage.removeItem(HERE);
    };
  }, [me]);
  if (!found.length) return null;
  return (
    <Alert
      banner
      type="info"
      data-testid="unsent-notes"
      title={t("unsent.title", { count: found.length })}
      description={
        <ul className={styles.rows}>
          {found.map((one) => (
            <Note key={one.id} {...one} />
          ))}
        </ul>
      }
      action={
        <Button size="small" onClick={() => setFound([])}>
          {t("unsent.seen")}
        </Button>
      }
    />
  );
}

function Note({ subject, id }: Unsent) {
  const { t } = useTranslation("desk");
  const { text, state } = useNote(subject, id, undefined);
  const navigate = useNavigate();
  const set = useDesk((desk) => desk.set);
  const look = () => {
    if (subject === "emergencies") return show(id);
    set({ working: id });
    navigate("/desk");
  };
  return (
    <li>
      <span className={styles.fill} title={text}>
        {text}
      </span>
      <span data-testid="unsent-state" data-state={state}>
        {t(`note.${state}`)}
      </span>
      <Button size="small" onClick={look}>
        {t("unsent.look")}
      </Button>
    </li>
  );
}
