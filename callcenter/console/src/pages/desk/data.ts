// What the desk reads, under keys of its own: with 500 live calls only what concerns this seat is read again.
import { useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";

import { api, call, query, type Schemas } from "../../api/client";
import { useSession } from "../../api/session";
import { live, useLive, type Fact } from "../../live/socket";
import { passing } from "./ask";
import { fold, foldLegs } from "./fold";
import { byNeed, mine, type Call, type Emergency, type Leg, type Mine } from "./shapes";
import { useDesk } from "./store";

const KEY = {
  emergencies: ["desk", "emergencies"] as const,
  seat: ["desk", "seat"] as const,
  call: (id: string) => ["desk", "call", id] as const,
  screen: (id: string) => ["desk", "screen", id] as const,
  timeline: (id: string) => ["desk", "timeline", id] as const,
};

const EVERY_MS = 5_000;
const EVERY_OFFLINE_MS = 2_000;
const GATHER_MS = 120;
const MOST_FACTS = 500;

/** Half of the requests may fail, and it is still there soon after. */
const stubborn = { retry: (count: number, error: Error) => count < 4 && passing(error), retryDelay: (n: number) => 200 * 2 ** n };

export const useMe = () => useSession((state) => state.account?.user ?? "");

function useEvery(): number {
  return useLive((state) => (state.state === "up" ? EVERY_MS : EVERY_OFFLINE_MS));
}

const readEmergencies = async () =>
  (await call(api.GET("/api/v1/emergencies", { params: { query: { state: "open", limit: 100 } } }))).items.sort(byNeed);

/** Emergencies that are open, who needs somebody first. */
export function useEmergencies() {
  const every = useEvery();
  return useQuery({ queryKey: KEY.emergencies, queryFn: readEmergencies, refetchInterval: every, staleTime: 1_000, ...stubborn });
}

/** One emergency, also when it is closed already. */
export function useEmergency(id: string | null) {
  const open = useEmergencies();
  const found = open.data?.find((one) => one.id === id);
  const read = useQuery({
    ...query("/api/v1/emergencies/{incident_id}", { params: { path: { incident_id: id ?? "" } } }),
    enabled: id !== null && !found && !open.isPending,
    ...stubborn,
  });
  return found ?? (id ? read.data : undefined);
}

export function useSeat() {
  const every = useEvery();
  return useQuery({ ...query("/api/v1/seats/me"), queryKey: KEY.seat, refetchInterval: every, ...stubborn });
}

/** The call that one's own phone rings for or talks on, as far as known. */
export function useMyCall(): Call | undefined {
  const seat = useSeat();
  const offered = useDesk((state) => state.offered?.callId ?? null);
  const id = offered ?? seat.data?.call_id ?? null;
  const every = useEvery();
  const read = useQuery({
    ...query("/api/v1/calls/{call_id}", { params: { path: { call_id: id ?? "" } } }),
    queryKey: KEY.call(id ?? ""),
    enabled: id !== null,
    refetchInterval: every,
    ...stubborn,
  });
  return id ? read.data : undefined;
}

/** Whom one's own phone rings for, or talks to, among the emergencies. */
export function useMine(): { emergency: Emergency | undefined; how: Mine } {
  const me = useMe();
  const all = useEmergencies().data;
  return useMemo(() => {
    const found = (all ?? []).map((emergency) => ({ emergency, how: mine(emergency.legs, me) }));
    return found.find(({ how }) => how === "talking") ?? found.find(({ how }) => how === "ringing") ?? { emergency: undefined, how: "none" };
  }, [all, me]);
}

export const screenQuery = (callId: string) => ({
  ...query("/api/v1/calls/{call_id}/screen", { params: { path: { call_id: callId } } }),
  queryKey: KEY.screen(callId),
  staleTime: 5_000,
  ...stubborn,
});

export function useTimeline(id: string) {
  return useQuery({
    queryKey: KEY.timeline(id),
    queryFn: ({ signal }) => readTimeline(id, signal),
    ...stubborn,
  });
}

/** Parts of the timeline read last that are full: they change no more. */
let full: { id: string; parts: Timeline[] } = { id: "", parts: [] };

/** All of it: a long night has more facts than one answer. */
async function readTimeline(id: string, signal: AbortSignal): Promise<Timeline> {
  const parts = full.id === id ? [...full.parts] : [];
  for (let cursor = parts.at(-1)?.next; parts.length === 0 || cursor; cursor = parts.at(-1)?.next) {
    const params = { path: { incident_id: id }, query: { limit: MOST_FACTS, ...(cursor ? { cursor } : {}) } };
    parts.push(await call(api.GET("/api/v1/emergencies/{incident_id}/timeline", { params, signal })));
  }
  full = { id, parts: parts.filter(({ next }) => next) };
  return { items: parts.flatMap(({ items }) => items), next: null };
}

/** Take facts as they come; mounted once, in the operator's frame. */
export function useDeskFacts(): void {
  const client = useQueryClient();
  const me = useMe();
  useEffect(() => {
    if (!me) return;
    const again = gatherer(client);
    const stop = live.subscribe((fact) => take(client, again, me, fact));
    const stopGap = live.onGap(() => void client.invalidateQueries({ queryKey: ["desk"] }));
    return () => {
      stop();
      stopGap();
    };
  }, [client, me]);
}

/** Legs of one's own phone that are not over. */
const ownLegs = new Set<string>();

function take(client: QueryClient, again: (key: readonly string[]) => void, me: string, fact: Fact): void {
  const { offered, set } = useDesk.getState();
  const own = fact.kind === "leg.added" && fact.data.role === "seat" && fact.data.number === me;
  if (fact.incident_id) {
    client.setQueryData<Emergency[]>(KEY.emergencies, (all) => fold(all ?? [], fact));
    again(KEY.emergencies);
    // What is heard stands in the timeline at once, also while the record cannot be read.
    client.setQueryData<Timeline>(KEY.timeline(fact.incident_id), (known) => withFact(known, fact));
    again(KEY.timeline(fact.incident_id));
  }
  if (own && fact.call_id) {
    ownLegs.add(String(fact.data.leg_id));
    if (!fact.incident_id) {
      performance.mark(`desk-offer-${fact.call_id}`);
      void client.prefetchQuery(screenQuery(fact.call_id));
      // The request leaves first; painting the page for it takes longer than the answer.
      const offer = { callId: fact.call_id, legId: String(fact.data.leg_id) };
      setTimeout(() => set({ offered: offer }));
    }
    again(KEY.seat);
  }
  if (fact.kind === "leg.ended" && ownLegs.delete(String(fact.data.leg_id))) {
    // After the word of its ringing has been taken, however soon it ends.
    setTimeout(() => useDesk.getState().offered?.legId === fact.data.leg_id && set({ offered: null }));
    again(KEY.seat);
  }
  const shown = offered?.callId ?? client.getQueryData<{ call_id: string | null }>(KEY.seat)?.call_id;
  if (fact.call_id && (fact.call_id === shown || own)) {
    client.setQueryData<Call>(KEY.call(fact.call_id), (one) => one && { ...one, legs: foldLegs(one.legs, fact) });
    again(KEY.call(fact.call_id));
    again(KEY.seat);
    if (!fact.kind.startsWith("leg.")) again(KEY.screen(fact.call_id));
  } else if (fact.kind.startsWith("seat.") && fact.data.seat === me) again(KEY.seat);
}

type Timeline = Schemas["Page_FactView_"];

function withFact(known: Timeline | undefined, fact: Fact): Timeline {
  const items = known?.items ?? [];
  return items.some(({ id }) => id === fact.id) ? (known as Timeline) : { items: [...items, fact], next: null };
}

/** Lists that facts touched are read again together: the first at once, those of a burst a little later. */
function gatherer(client: QueryClient): (key: readonly string[]) => void {
  const waiting = new Map<string, readonly string[]>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    for (const queryKey of waiting.values()) void client.invalidateQueries({ queryKey, exact: true });
    waiting.clear();
  };
  return (key) => {
    waiting.set(key.join(), key);
    timer ??= setTimeout(flush, GATHER_MS);
  };
}

/** Show a leg that an answer tells of; the fact that tells of it, too, may come a moment later. */
export function useLearnLeg(incidentId: string): (leg: Leg) => Leg {
  const client = useQueryClient();
  return (leg) => {
    client.setQueryData<Emergency[]>(KEY.emergencies, (all) =>
      all?.map((one) => (one.id === incidentId && !one.legs.some(({ id }) => id === leg.id) ? { ...one, legs: [...one.legs, leg] } : one)),
    );
    return leg;
  };
}

/** Read again what an action has changed. */
export function useReread(): () => void {
  const client = useQueryClient();
  return () => void client.invalidateQueries({ queryKey: ["desk"] });
}
