// What a fact means for what is shown: the lists it touches are read again, at most every so often.
//
// A page with 500 live calls hears hundreds of facts a second; they are gathered, so that each list is asked for
// once in a while and not once for each fact.
import { QueryClient } from "@tanstack/react-query";

import { verify } from "../api/session";
import { live, useLive } from "./socket";

const GATHER_MS = 150;

/** Families of facts (the part before the dot) and the paths that show them. */
const SHOWN_BY: Record<string, string[]> = {
  call: ["/api/v1/calls", "/api/v1/queues", "/api/v1/wallboard", "/api/v1/intake"],
  leg: ["/api/v1/calls", "/api/v1/emergencies", "/api/v1/seats"],
  hotline: ["/api/v1/calls", "/api/v1/queues", "/api/v1/seats", "/api/v1/wallboard"],
  emergency: ["/api/v1/emergencies", "/api/v1/wallboard"],
  alarm: ["/api/v1/alarms", "/api/v1/emergencies"],
  seat: ["/api/v1/seats", "/api/v1/wallboard"],
  work_order: ["/api/v1/work-orders", "/api/v1/work"],
  follow_up: ["/api/v1/follow-ups", "/api/v1/work"],
  complaint: ["/api/v1/complaints", "/api/v1/work"],
  intake: ["/api/v1/intake", "/api/v1/work"],
  callback: ["/api/v1/callbacks", "/api/v1/work"],
  voicemail: ["/api/v1/voicemails", "/api/v1/work"],
  recording: ["/api/v1/recordings"],
  message: ["/api/v1/messages", "/api/v1/emergencies"],
  knowledge: ["/api/v1/knowledge"],
  watchdog: ["/api/v1/watchdog"],
};

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (count, error) => count < 2 && (error as { status?: number }).status === 0,
      refetchOnWindowFocus: false,
    },
    mutations: { retry: false },
  },
});

const waiting = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;

function flush(): void {
  timer = undefined;
  const prefixes = [...waiting];
  waiting.clear();
  void queries.invalidateQueries({
    predicate: ({ queryKey }) => {
      const path = String(queryKey[0]);
      return prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`) || path.startsWith(`${prefix}.`));
    },
  });
}

/** Keep what is shown in step with the live socket; call once. */
export function followLive(): () => void {
  const stop = live.subscribe((fact) => {
    for (const path of SHOWN_BY[fact.kind.split(".")[0] ?? ""] ?? []) waiting.add(path);
    if (waiting.size) timer ??= setTimeout(flush, GATHER_MS);
  });
  const stopGap = live.onGap(() => void queries.invalidateQueries());
  const stopLooking = useLive.subscribe(({ state }, before) => void (state === "down" && before.state !== "down" && verify()));
  return () => {
    stopLooking();
    stop();
    stopGap();
  };
}
