// What the desk speaks of: shapes of the API by short names, and what is read from them everywhere.
import type { Schemas } from "../../api/client";

export type Emergency = Schemas["EmergencyView"];
export type Call = Schemas["CallView"];
export type Leg = Schemas["LegView"];
export type Seat = Schemas["SeatView"];
/** A file, as the list of elders or the screen of a call tells it. */
export type Elder = Omit<Schemas["ScreenElder"], "age" | "devices" | "plan">;
export type Location = Schemas["LocationView"];

/** Roles that help is asked of, in the order of their buttons; digits are their keys. */
export const HELP = ["120", "family", "doctor", "social_worker", "community"] as const;
export const MORE_HELP = ["guardian", "group_leader", "village_cadre"] as const;
export type HelpRole = (typeof HELP)[number] | (typeof MORE_HELP)[number] | "number";

export const KINDS = ["manual", "fall", "illness", "smoke", "fire", "gas", "inactivity", "fence", "wandering", "theft", "other"] as const;

export const up = (leg: Leg) => leg.state !== "ended";
export const inRoom = (leg: Leg) => leg.state === "joined";
export const isSeatOf = (user: string) => (leg: Leg) => leg.role === "seat" && leg.number === user;

/** What one's own phone does in a call or an emergency. */
export type Mine = "none" | "ringing" | "talking";

export function mine(legs: Leg[], user: string): Mine {
  const own = legs.filter((leg) => isSeatOf(user)(leg) && up(leg));
  if (own.some((leg) => leg.state === "joined" || leg.state === "answered")) return "talking";
  return own.length ? "ringing" : "none";
}

/** Who needs somebody first: waiting before answered, higher priority, then who came first. */
export function byNeed(a: Emergency, b: Emergency): number {
  return Number(b.needs_human) - Number(a.needs_human) || b.priority - a.priority || a.opened_at.localeCompare(b.opened_at);
}
