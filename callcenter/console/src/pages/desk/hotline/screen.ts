// What comes up with a call: all of it in one answer.
import { useQuery } from "@tanstack/react-query";

import type { Call, Elder } from "../shapes";
import { screenQuery } from "../data";
import type { Schemas } from "../../../api/client";

export interface Screen {
  caller: string;
  elder: Elder | null;
  candidates: Pick<Elder, "id" | "code" | "name" | "birth_date" | "address">[];
  contacts: { role: string; name: string; phone: string }[];
  last_calls: Call[];
  open_orders: Schemas["WorkOrder"][];
  open_follow_ups: Schemas["FollowUp"][];
  open_emergencies: { id: string; kind: string; opened_at: string }[];
  complaints: { id: string; state: string; text: string; due_at: string }[];
}

export function useScreen(callId: string) {
  return useQuery(screenQuery(callId));
}

/** How long after the first word of ringing the file was on the screen; also at `performance.getEntriesByName("desk-pop")`. */
export function measurePop(callId: string): void {
  const offer = `desk-offer-${callId}`;
  if (!performance.getEntriesByName(offer).length || performance.getEntriesByName(`desk-pop-${callId}`).length) return;
  performance.measure(`desk-pop-${callId}`, offer);
}
