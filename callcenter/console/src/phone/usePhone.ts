// The page's one phone, for components:
//
//   const [state, phone] = usePhone();    in any component: what it does, and how to tell it what to do
//   useSeatPhone();                       once, where the operator's frame is: it is on while that is shown
import { useEffect, useSyncExternalStore } from "react";

import { api, call } from "../api/client";
import { useSession } from "../api/session";
import { live, useLive } from "../live/socket";
import { Phone } from "./phone";
import type { PhoneState, PhoneStatus } from "./types";

export const phone = new Phone();

declare global {
  interface Window {
    /** For tests, and for whoever helps an operator on the telephone: `callcenterPhone.state` says what is wrong. */
    callcenterPhone?: Phone;
  }
}
window.callcenterPhone = phone;

const subscribe = (changed: () => void) => phone.on("state", changed);
const read = () => phone.state;

export function usePhone(): [PhoneState, Phone] {
  return [useSyncExternalStore(subscribe, read), phone];
}

/**
 * While so, this page is the seat's phone, and its pings tell the server that it is there. Not before it is registered:
 * a tab that only waits, or has no microphone, must not take the phone from another.
 */
const PRESENT: PhoneStatus[] = ["registered", "lost"];

export function useSeatPhone(): void {
  const user = useSession((session) => session.account?.user);
  useEffect(() => {
    if (!user) return;
    const stop = phone.on("state", ({ status }) => live.isSeat(PRESENT.includes(status), status === "registered"));
    const back = useLive.subscribe(({ state }, before) => void (state === "up" && before.state !== "up" && phone.hurry()));
    const hear = live.onTaken(() => phone.taken());
    const heed = live.subscribe(({ kind, data }) => {
      if (data.seat === user && (kind === "leg.stalled" || kind === "leg.resumed")) phone.unheard(kind === "leg.stalled");
    });
    phone.connect(user, () => call(api.GET("/api/v1/seats/me/phone")));
    return () => {
      phone.disconnect();
      hear();
      heed();
      back();
      stop();
    };
  }, [user]);
}
