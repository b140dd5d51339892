// What the desk itself decides: which emergency fills the screen, which were put aside, which dialog is open.
import { create } from "zustand";

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

function kept(): string[] {
  try {
    return JSON.parse(sessionStorage.getItem(ASIDE) ?? "[]") as string[];
  } catch {
    return [];
  }
}

export const useDesk = create<DeskState>((set) => ({
  offered: null,
  chosen: null,
  aside: kept(),
  dialog: null,
  working: sessionStorage.getItem(WORKING) || null,
  set: (changes) => {
    if (changes.working !== undefined) sessionStorage.setItem(WORKING, changes.working ?? "");
    set(changes);
  },
}));

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
  sessionStorage.setItem(ASIDE, JSON.stringify(aside));
  useDesk.getState().set({ aside });
}
