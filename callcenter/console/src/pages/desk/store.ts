// What the desk itself decides: which emergency fills the screen, which were put aside, which dialog is open.
import { create } from "zustand";

import { useSession } from "../../api/session";

const ASIDE = "callcenter.desk.aside";
const WORKING = "callcenter.desk.working";

export type Dialog = "help" | "devices" | "dial" | "transfer" | "keypad" | "close" | "search" | null;

interface DeskState {
  /** The call that just began to ring here, before the seat's own state tells so. */
  offered: { callId: string; legId: string } | null;
  /** The emergency that the operator looks at; null: the one that needs it, if any. */
  chosen: string | null;
  /** Emergencies that the operator put aside to see the rest of the page. */
  aside: string[];
  dialog: Dialog;
  /** The ordinary call whose form is open, also after it is over; survives a reload. */
  working: string | null;
  set(changes: Partial<Omit<DeskState, "set">>): void;
}

/** Where something is kept in this tab for whoever is signed in: the next one sees nothing of it. */
const of = (key: string) => `${key}.${useSession.getState().account?.user ?? ""}`;

function kept(): string[] {
  try {
    return JSON.parse(sessionStorage.getItem(of(ASIDE)) ?? "[]") as string[];
  } catch {
    return [];
  }
}

const begun = () => ({ offered: null, chosen: null, aside: kept(), dialog: null, working: sessionStorage.getItem(of(WORKING)) || null });

export const useDesk = create<DeskState>((set) => ({
  ...begun(),
  set: (changes) => {
    if (changes.working !== undefined) sessionStorage.setItem(of(WORKING), changes.working ?? "");
    set(changes);
  },
}));

useSession.subscribe(({ account }, before) => account?.user !== before.account?.user && useDesk.setState(begun()));

/** Show an emergency over the whole screen. */
export function show(id: string): void {
  const { aside, set } = useDesk.getState();
  keep(aside.filter((one) => one !== id));
  // Whatever dialog is open makes way.
  set({ chosen: id, dialog: null });
}

/** Put an emergency aside; it comes back by itself when one's own phone rings for it. */
export function putAside(id: string): void {
  keep([...useDesk.getState().aside.filter((one) => one !== id), id].slice(-50));
  useDesk.getState().set({ chosen: null, dialog: null });
}

function keep(aside: string[]): void {
  sessionStorage.setItem(of(ASIDE), JSON.stringify(aside));
  useDesk.getState().set({ aside });
}
