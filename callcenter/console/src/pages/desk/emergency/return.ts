// Back to her after a reload: a page that is loaded anew has hung up, and with others in the room nobody rings the desk.
import { useEffect, useRef } from "react";

import { usePhone } from "../../../phone";
import { useMe } from "../data";
import { usePhoneKind } from "../phonekind";

const KEY = "callcenter.desk.left";
const RECENT_MS = 60_000;
/** The seat may ring by itself; only when it does not, it is asked for, until the server knows that the old page is gone. */
const PATIENCE_MS = 1_500;

/** Ask to be rung into the emergency that this page was in when it was reloaded, until a call comes. */
export function useReturn(id: string, away: boolean, talking: boolean, ring: () => Promise<unknown>): void {
  const [{ status, call }] = usePhone();
  const inPage = usePhoneKind((state) => state.kind) === "web";
  const me = useMe();
  const latest = useRef(ring);
  latest.current = ring;
  useEffect(() => {
    if (!talking || !inPage) return;
    const leave = () => sessionStorage.setItem(KEY, JSON.stringify({ id, me, at: Date.now() }));
    addEventListener("pagehide", leave);
    return () => removeEventListener("pagehide", leave);
  }, [id, me, talking, inPage]);
  const wanted = away && inPage && status === "registered" && call === null && left(me) === id;
  useEffect(() => {
    if (!wanted) return;
    const timer = setInterval(() => left(me) === id && void latest.current(), PATIENCE_MS);
    return () => clearInterval(timer);
  }, [wanted, id, me]);
  useEffect(() => {
    if (call !== null) sessionStorage.removeItem(KEY);
  }, [call]);
}

function left(me: string): string | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as { id: string; me: string; at: number } | null;
    return kept && kept.me === me && Date.now() - kept.at < RECENT_MS ? kept.id : null;
  } catch {
    return null;
  }
}
