// Keys of the desk: one listener, the latest that wants a key has it; while an emergency is shown the page below has none.
import { createContext, useContext, useEffect, useRef } from "react";

export interface Shortcut {
  /** As shown and as compared: "F2", "Alt+T", "Space", "?", "Esc". */
  keys: string[];
  /** Key of its words below `desk:keys`. */
  name: string;
  /** Undefined: not to be done now. */
  act?: ((event: KeyboardEvent) => void) | undefined;
  /** Works in text fields, too; always so for F-keys, Alt and Ctrl. */
  everywhere?: boolean;
}

/** page: below an emergency. frame: the phone's, always. emergency: above all. */
export type Layer = "page" | "frame" | "emergency";
export const KeyLayer = createContext<Layer>("page");

interface Wanting {
  layer: Layer;
  list: () => Shortcut[];
}

const wanting: Wanting[] = [];

/** How a key press is written in the list. */
export function written(event: Pick<KeyboardEvent, "key" | "code" | "altKey" | "ctrlKey">): string {
  const letter = /^Key([A-Z])$/.exec(event.code)?.[1] ?? /^Digit(\d)$/.exec(event.code)?.[1];
  const plain = event.key === " " ? "Space" : event.key === "Escape" ? "Esc" : event.key;
  const name = (event.altKey || event.ctrlKey) && letter ? letter : plain;
  return `${event.ctrlKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${name}`;
}

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
const pressable = (target: EventTarget | null) => target instanceof HTMLElement && !!target.closest("button, a, [role=option], [role=checkbox]");

function pressed(event: KeyboardEvent): void {
  if (event.isComposing || event.metaKey) return;
  const name = written(event);
  const bare = !/^(F\d+|Alt\+|Ctrl\+|Esc)/.test(name);
  const emergency = wanting.some(({ layer }) => layer === "emergency");
  for (const { layer, list } of wanting.toReversed()) {
    if (emergency && layer === "page") continue;
    const found = list().find(({ keys, act }) => act && keys.includes(name));
    if (!found?.act) continue;
    if (bare && !found.everywhere && (typing(event.target) || ((name === "Space" || name === "Enter") && pressable(event.target)))) continue;
    event.preventDefault();
    event.stopImmediatePropagation();
    // A key that is held down was meant for what was there before; nor does it press the button that came under it.
    if (!event.repeat) found.act(event);
    return;
  }
}

/** Have the keys of a list work while the component is there. */
export function useKeys(list: Shortcut[], on = true): void {
  const layer = useContext(KeyLayer);
  const latest = useRef(list);
  latest.current = list;
  useEffect(() => {
    if (!on) return;
    const mine: Wanting = { layer, list: () => latest.current };
    if (!wanting.length) addEventListener("keydown", pressed, true);
    wanting.push(mine);
    return () => {
      wanting.splice(wanting.indexOf(mine), 1);
      if (!wanting.length) removeEventListener("keydown", pressed, true);
    };
  }, [on, layer]);
}
