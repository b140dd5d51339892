// What a fact changes in the emergencies that are shown: at once, without asking, also while the server cannot answer.
//
// The list is read again afterwards; this is what stands until then. Pure.
import type { Fact } from "../../live/socket";
import type { Emergency, Leg } from "./shapes";

const text = (value: unknown) => (typeof value === "string" ? value : "");

/** The emergencies after a fact; the same array when it changes nothing. */
export function fold(all: Emergency[], fact: Fact): Emergency[] {
  if (!fact.incident_id) return all;
  const at = all.findIndex(({ id }) => id === fact.incident_id);
  const known = all[at];
  if (!known) return fact.kind === "emergency.opened" ? [opened(fact, fact.incident_id), ...all] : all;
  const after = evolve(known, fact);
  return after === known ? all : all.with(at, after);
}

function opened({ data, at }: Fact, id: string): Emergency {
  return {
    id,
    state: "open",
    needs_human: true,
    origin: text(data.origin),
    kind: text(data.kind) || "manual",
    drill: data.drill != null,
    area: text(data.area),
    device_id: text(data.device_id) || null,
    elder_id: text(data.elder_id) || null,
    elder_name: text(data.elder_name),
    caller: text(data.caller),
    room: text(data.room),
    priority: 0,
    opened_at: text(data.invited_at) || at,
    system_answer_ms: null,
    human_answer_ms: null,
    answered_by: "",
    silence: "",
    late: false,
    closed_at: null,
    outcome: "",
    cause: "",
    summary: "",
    note: "",
    note_revision: 0,
    plan: {},
    checklist: [],
    calls: [],
    legs: [],
  };
}

function evolve(one: Emergency, fact: Fact): Emergency {
  const { data, at } = fact;
  switch (fact.kind) {
    case "emergency.answered":
      return { ...one, needs_human: false, answered_by: text(data.by), human_answer_ms: Number(data.milliseconds) || null };
    case "emergency.pressed":
      return { ...one, priority: Number(data.priority) || one.priority, needs_human: one.needs_human || data.unheard === true };
    case "emergency.answer_late":
      return { ...one, late: true };
    case "emergency.kind_said":
      return { ...one, kind: text(data.event) || one.kind };
    case "emergency.ticked":
      return {
        ...one,
        checklist: one.checklist.map((item) =>
          item.sentence === data.sentence
            ? { ...item, ticked_at: data.done === false ? null : at, ticked_by: data.done === false ? "" : fact.actor }
            : item,
        ),
      };
    case "emergency.closed":
      return { ...one, state: "closed", needs_human: false, closed_at: at, outcome: text(data.outcome) };
    default: {
      if (!fact.kind.startsWith("leg.")) return one;
      const legs = foldLegs(one.legs, fact);
      return legs === one.legs ? one : { ...one, legs };
    }
  }
}

/** The legs of a call or an emergency after a fact of one of them. */
export function foldLegs(legs: Leg[], { kind, data, at }: Fact): Leg[] {
  const id = text(data.leg_id);
  const index = legs.findIndex((leg) => leg.id === id);
  const leg = legs[index];
  if (!leg) {
    if (kind !== "leg.added" || !id) return legs;
    const times = { ringing_at: null, answered_at: null, joined_at: null, ended_at: null };
    const who = { role: text(data.role), number: text(data.number), name: text(data.name) };
    return [...legs, { id, ...who, state: "dialing", reason: "", added_at: at, ...times } as Leg];
  }
  if (leg.state === "ended") return legs;
  const change = CHANGES[kind]?.(at, data);
  return change ? legs.with(index, { ...leg, ...change }) : legs;
}

const CHANGES: Record<string, (at: string, data: Fact["data"]) => Partial<Leg>> = {
  "leg.ringing": (at) => ({ state: "ringing", ringing_at: at }),
  "leg.answered": (at) => ({ state: "answered", answered_at: at }),
  "leg.joined": (at) => ({ state: "joined", joined_at: at }),
  "leg.left": () => ({ state: "answered" }),
  "leg.ended": (at, data) => ({ state: "ended", ended_at: at, reason: text(data.reason) }),
};

/** Whose voice is kept out of the room, also by somebody else or before a reload; who comes in anew is heard again. */
export function silenced(facts: Pick<Fact, "kind" | "data">[]): Set<string> {
  const found = new Set<string>();
  for (const { kind, data } of facts) {
    if (kind === "leg.muted" && data.muted === true) found.add(text(data.leg_id));
    else if (kind === "leg.muted" || kind === "leg.joined") found.delete(text(data.leg_id));
  }
  return found;
}
