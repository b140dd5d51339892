// An emergency fills the screen, on whatever page: who, where, help, what is done, what was noted; until it is closed
// or put aside. What it needs comes from the emergency itself; everything else may be missing.
import { App, ConfigProvider } from "antd";
import { useEffect, useRef, type ReactNode, type RefObject } from "react";
import { createPortal } from "react-dom";
import { useTranslation } from "react-i18next";

import { ErrorBoundary } from "../../../app/ErrorBoundary";
import { useMe } from "../data";
import { KeyLayer, useKeys, type Shortcut } from "../keys";
import { NoteBox } from "../NoteBox";
import { HELP, mine, type Emergency } from "../shapes";
import { putAside, show, useDesk } from "../store";
import { Advice } from "./Advice";
import { useEmergencyActions } from "./actions";
import { Briefings } from "./Briefings";
import { Close } from "./Close";
import styles from "./Emergency.module.css";
import { Head } from "./Head";
import { HelpButtons } from "./Help";
import { People } from "./People";
import { useInNeed } from "./person";
import { useReturn } from "./return";
import { Ringing } from "./Ringing";
import { Steps } from "./Steps";
import { Timeline } from "./Timeline";
import { Where } from "./Where";
import { Contacts, Who } from "./Who";

interface Props {
  one: Emergency;
  /** All that are open, who needs somebody first. */
  all: Emergency[];
  answer: () => void;
}

/** Above every dialog of whatever page is below; its own dialogs above it. */
const ABOVE = { token: { zIndexPopupBase: 2100 } };

/** What is open above an emergency, of its own. */
const OWN = ["modal-wrap", "dropdown", "select-dropdown"]
  .map((one) => `.ant-${one}:not([style*="display: none"], .ant-${one}-hidden, [inert], [inert] *)`)
  .join();

export function EmergencyScreen(props: Props) {
  return (
    <ConfigProvider theme={ABOVE}>
      <App component={false}>
        <KeyLayer.Provider value="emergency">
          <Whole {...props} />
        </KeyLayer.Provider>
      </App>
    </ConfigProvider>
  );
}

function Whole({ one, all, answer }: Props) {
  const { t } = useTranslation("desk");
  const me = useMe();
  const how = mine(one.legs, me);
  const actions = useEmergencyActions(one);
  const person = useInNeed(one);
  const screen = useRef<HTMLDivElement>(null);
  const { dialog, set } = useDesk();
  const open = one.state === "open";
  const others = all.filter(({ id }) => id !== one.id);
  useInert(screen);
  useReturn(one.id, open && how === "none", how === "talking", actions.ring);
  useKeys([
    ...HELP.map((role, index): Shortcut => ({ keys: [`Alt+${index + 1}`], name: `help_${role}`, act: open ? () => void actions.help(role) : undefined })),
    { keys: ["Alt+C"], name: "close", act: open && how !== "ringing" ? () => set({ dialog: "close" }) : undefined },
    { keys: ["Alt+J"], name: "join", act: open && how === "none" ? () => void actions.join() : undefined },
    { keys: ["Alt+E"], name: "next", act: others[0] ? () => show(others[0]!.id) : undefined },
    { keys: ["Alt+0"], name: "aside", act: how === "ringing" ? undefined : () => putAside(one.id) },
  ]);
  return createPortal(
    <div ref={screen} className={styles.screen} role="dialog" aria-modal="true" aria-label={t("emergency.title")} data-testid="emergency" data-how={how}>
      <Head one={one} all={all} me={me} how={how} actions={actions} />
      {how === "ringing" && <Ringing one={one} answer={answer} />}
      <Advice one={one} how={how} />
      <div className={styles.columns}>
        <Part>
          <Who one={one} person={person} />
          <Where person={person} />
          <Contacts person={person} actions={actions} busy={!open} />
        </Part>
        <Part>
          <HelpButtons one={one} actions={actions} />
          <People one={one} actions={actions} me={me} />
          <Timeline id={one.id} legs={one.legs} />
        </Part>
        <Part>
          <section className={styles.card}>
            <h3>{t("note.label")}</h3>
            <NoteBox key={one.id} subject="emergencies" id={one.id} stored={{ text: one.note, revision: one.note_revision }} rows={6} />
            <Briefings actions={actions} disabled={!open} />
          </section>
          <Steps one={one} actions={actions} />
        </Part>
      </div>
      {dialog === "close" && open && how !== "ringing" && (
        <Close
          one={one}
          actions={actions}
          onDone={(closed) => {
            set({ dialog: null });
            if (closed) putAside(one.id);
          }}
        />
      )}
    </div>,
    document.body,
  );
}

/** A part that breaks leaves the others standing. */
function Part({ children }: { children: ReactNode }) {
  return (
    <div className={styles.column}>
      <ErrorBoundary>{children}</ErrorBoundary>
    </div>
  );
}

/** What lies below, dialogs too, is out of reach of keys and screen readers; afterwards one goes on typing where one was. */
function useInert(screen: RefObject<HTMLElement | null>): void {
  const before = useRef(document.activeElement);
  useEffect(() => {
    const below = [...document.body.children].filter((one) => one !== screen.current && !one.hasAttribute("inert"));
    for (const one of below) one.setAttribute("inert", "");
    // A dialog below would still close at Esc, and take with it what was typed there.
    const escape = (event: KeyboardEvent) => event.key === "Escape" && !document.querySelector(OWN) && event.stopImmediatePropagation();
    addEventListener("keydown", escape, true);
    return () => {
      removeEventListener("keydown", escape, true);
      for (const one of below) one.removeAttribute("inert");
      if (before.current instanceof HTMLElement) before.current.focus();
    };
  }, [screen]);
}
