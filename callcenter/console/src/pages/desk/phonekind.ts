// Which phone an operator of this browser uses: the one in the page, or one on the table.
import { create } from "zustand";

export type PhoneKind = "web" | "hardware";

const KEY = "callcenter.desk.phone";
const CHECKED = "callcenter.desk.checked";

export const usePhoneKind = create<{ kind: PhoneKind }>(() => ({ kind: localStorage.getItem(KEY) === "hardware" ? "hardware" : "web" }));

export function choosePhone(kind: PhoneKind): void {
  localStorage.setItem(KEY, kind);
  usePhoneKind.setState({ kind });
}

const today = () => new Date().toLocaleDateString("sv-SE", { timeZone: "Asia/Shanghai" });

/** Whether this operator has checked the devices here today; of several who share a computer, each for herself. */
export const checkedToday = (user: string) => localStorage.getItem(`${CHECKED}.${user}`) === today();
export const noteChecked = (user: string) => localStorage.setItem(`${CHECKED}.${user}`, today());
