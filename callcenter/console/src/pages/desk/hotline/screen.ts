// What comes up with a call: all of it in one answer.
import { useQuery } from "@tanstack/react-query";

import type { Schemas } from "../../../api/client";
import { screenQuery } from "../data";

export type Screen = Schemas["Screen"];

const AGAIN_MS = 1_000;

export function useScreen(callId: string) {
  // What the database could not tell in time is asked for again.
  return useQuery({ ...screenQuery(callId), refetchInterval: ({ state }) => (state.data?.complete === false ? AGAIN_MS : false) });
}

/** How long after the first word of ringing the file was on the screen; also at `performance.getEntriesByName("desk-pop")`. */
export function measurePop(callId: string): void {
  const offer = `desk-offer-${callId}`;
  if (!performance.getEntriesByName(offer).length || performance.getEntriesByName(`desk-pop-${callId}`).length) return;
  performance.measure(`desk-pop-${callId}`, offer);
}
