// Keys of the desk: one list that both works and is shown by the help.
import { useEffect, useRef } from "react";

export interface Shortcut {
  /** As shown and as compared: "F2", "Alt+T", "Space", "?", "Esc". */
  keys: string[];
  /** Key of its words below `desk:keys`. */
  name: string;
  /** Undefined: shown, not to be done now. */
  act?: (() => void) | undefined;
  /** Works in text fields, too; default for F-keys and Alt. */
  everywhere?: boolean;
}

/** How a key press is written in the list. */
export function written(event: Pick<KeyboardEvent, "key" | "code" | "altKey" | "ctrlKey" | "shiftKey">): string {
  const letter = /^Key([A-Z])$/.exec(event.code)?.[1] ?? /^Digit(\d)$/.exec(event.code)?.[1];
  const plain = event.key === " " ? "Space" : event.key === "Escape" ? "Esc" : event.key;
  const name = (event.altKey || event.ctrlKey) && letter ? letter : plain;
  return `${event.ctrlKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${name}`;
}

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
const pressable = (target: EventTarget | null) => target instanceof HTMLElement && !!target.closest("button, a, [role=option], [role=checkbox]");

/** Have the keys of a list work while the component is there. Earlier in the list comes first. */
export function useKeys(list: Shortcut[], on = true): void {
  const latest = useRef(list);
  latest.current = list;
  useEffect(() => {
    if (!on) return;
    const pressed = (event: KeyboardEvent) => {
      if (event.isComposing || event.metaKey || event.repeat) return;
      const name = written(event);
      const found = latest.current.find(({ keys, act }) => act && keys.includes(name));
      if (!found?.act) return;
      const bare = !/^(F\d+|Alt\+|Ctrl\+|Esc)/.test(name);
      if (bare && !found.everywhere && (typing(event.target) || ((name === "Space" || name === "Enter") && pressable(event.target)))) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      found.act();
    };
    addEventListener("keydown", pressed, true);
    return () => removeEventListener("keydown", pressed, true);
  }, [on]);
}
