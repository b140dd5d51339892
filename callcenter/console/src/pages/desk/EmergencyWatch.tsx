// Watches over emergencies on every page: the screen that takes over, the strip of those that are open, the sound.
import { Button } from "antd";
import { useCallback, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import { phone, usePhone } from "../../phone";
import { Since } from "../../ui/time";
import { alarm } from "./alarm";
import { insist, passing } from "./ask";
import { api } from "../../api/client";
import { useEmergencies, useEmergency, useMe, useMine, useSeat } from "./data";
import styles from "./desk.module.css";
import { EmergencyScreen } from "./emergency/EmergencyScreen";
import { useKeys } from "./keys";
import { mine, type Emergency } from "./shapes";
import { show, useDesk } from "./store";

/** Typing that goes on when the alarm comes must not answer it: Space and Enter count after so long without a letter. */
const TYPING_MS = 700;

export function EmergencyWatch() {
  const { t } = useTranslation("desk");
  const me = useMe();
  const open = useEmergencies().data ?? [];
  const { emergency: own, how } = useMine();
  const { chosen, aside, dialog } = useDesk();
  const [{ call: ringing }] = usePhone();
  const ours = open.find((one) => one.answered_by === me && !aside.includes(one.id));
  const automatic = how === "ringing" ? own?.id : (chosen ?? (own && !aside.includes(own.id) ? own.id : ours?.id));
  const shown = useEmergency(automatic ?? null);
  const rings = how === "ringing";
  const here = ringing?.kind === "seat" && ringing.state === "ringing";
  // Answered here, and the server does not know it yet: nothing sounds any more.
  const answered = ringing?.kind === "seat" && ringing.state !== "ringing";

  useEffect(() => {
    if (rings && own) show(own.id);
  }, [rings, own?.id]);
  useEffect(() => {
    // The phone in the page sounds by itself; a phone on the table, or one that answers by itself, does not here.
    if (rings && here) phone.ringAs("urgent");
    if (rings && !answered) alarm.start(!here, t("ringing.tab", { name: own?.elder_name || own?.caller || "" }));
    else alarm.stop();
  }, [rings, here, answered, own?.elder_name, own?.caller, t]);
  useEffect(() => () => alarm.stop(), []);
  useUnlock();
  useLife(own, how === "talking");

  const answer = useCallback(() => phone.answer(), []);
  const typed = useLastTyped();
  const calm = ({ timeStamp }: KeyboardEvent) => {
    if (timeStamp - typed.current > TYPING_MS) answer();
  };
  useKeys(
    [
      { keys: ["F2"], name: "answer", act: () => answer() },
      { keys: ["Space", "Enter"], name: "answer", act: calm, everywhere: true },
    ],
    rings && here && dialog === null,
  );
  return (
    <>
      <Strip open={open} me={me} shown={shown?.id} />
      {shown && <EmergencyScreen key={shown.id} one={shown} all={open} answer={answer} />}
    </>
  );
}

function Strip({ open, me, shown }: { open: Emergency[]; me: string; shown: string | undefined }) {
  const { t } = useTranslation("desk");
  const others = open.filter(({ id }) => id !== shown);
  const waiting = others.filter(({ needs_human }) => needs_human);
  if (!others.length) return null;
  return (
    <section className={styles.strip} data-waits={waiting.length > 0} aria-label={t("strip.title")}>
      <strong role={waiting.length ? "alert" : "status"}>{waiting.length ? t("strip.waiting", { count: waiting.length }) : t("strip.open", { count: others.length })}</strong>
      <div className={styles.stripList}>
        {others.slice(0, 12).map((one) => (
          <Button key={one.id} size="small" danger={one.needs_human} type={one.needs_human ? "primary" : "default"} onClick={() => show(one.id)}>
            {one.needs_human ? "● " : mine(one.legs, me) === "talking" ? "☎ " : ""}
            {t(`kinds.${one.kind}`)} {one.elder_name || one.caller || t("unknownCaller")} <Since at={one.opened_at} />
          </Button>
        ))}
        {others.length > 12 && <span>+{others.length - 12}</span>}
      </div>
    </section>
  );
}

/** A phone that answers by itself proves nothing: the next click or key says that somebody is there (within 8 s). */
function useLife(own: Emergency | undefined, talking: boolean): void {
  const [{ call: now }] = usePhone();
  const id = own?.id;
  const automatic = useSeat().data?.auto_answer === true;
  const needed = talking && own?.needs_human === true && (now ? now.auto : automatic);
  useEffect(() => {
    if (!needed || !id) return;
    let said = false;
    const life = () => {
      if (said) return;
      said = true;
      insist(() => api.POST("/api/v1/emergencies/{id}/accept", { params: { path: { id } } })).catch((error) => (said = !passing(error)));
    };
    addEventListener("pointerdown", life, true);
    addEventListener("keydown", life, true);
    return () => {
      removeEventListener("pointerdown", life, true);
      removeEventListener("keydown", life, true);
    };
  }, [needed, id]);
}

/** The browser lets a page sound after the first click or key on it. */
function useUnlock(): void {
  useEffect(() => {
    const unlock = () => void alarm.unlock();
    addEventListener("pointerdown", unlock, { once: true, capture: true });
    addEventListener("keydown", unlock, { once: true, capture: true });
    return () => {
      removeEventListener("pointerdown", unlock, true);
      removeEventListener("keydown", unlock, true);
    };
  }, []);
}

/** When the last letter was typed: in a field, or, once the alarm has taken the field away, on into the air. */
function useLastTyped() {
  const at = useRef(-Infinity);
  useEffect(() => {
    // By the clock of the keys: a page that is busy showing the alarm takes them late.
    const typed = ({ target, timeStamp }: Event) => {
      if (target instanceof HTMLElement && /^(INPUT|TEXTAREA)$/.test(target.tagName)) at.current = timeStamp;
    };
    const pressed = ({ key, isComposing, altKey, ctrlKey, metaKey, timeStamp }: KeyboardEvent) => {
      if (altKey || ctrlKey || metaKey || key === " ") return;
      if (isComposing || key.length === 1 || key === "Process" || key === "Backspace") at.current = timeStamp;
    };
    addEventListener("input", typed, true);
    addEventListener("keydown", pressed, true);
    return () => {
      removeEventListener("input", typed, true);
      removeEventListener("keydown", pressed, true);
    };
  }, []);
  return at;
}
