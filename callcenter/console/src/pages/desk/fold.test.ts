import { describe, expect, it } from "vitest";

import type { Fact } from "../../live/socket";
import { fold, silenced } from "./fold";
import { byNeed, mine } from "./shapes";

let n = 0;
const fact = (kind: string, data: Record<string, unknown> = {}, incident_id: string | null = "i1"): Fact => ({
  id: String(++n),
  at: `2026-03-05T06:00:0${n % 10}Z`,
  kind,
  actor: "op1",
  call_id: "c1",
  incident_id,
  data,
});
const after = (...facts: Fact[]) => facts.reduce(fold, []);
const opened = fact("emergency.opened", { elder_name: "陈桂英", kind: "fall", origin: "press" });
const added = fact("leg.added", { leg_id: "l1", role: "seat", number: "op1" });

describe("emergencies follow the facts (A2, A10)", () => {
  it("an emergency is there with its first fact", () => {
    expect(after(opened)[0]).toMatchObject({ id: "i1", elder_name: "陈桂英", kind: "fall", needs_human: true, state: "open" });
  });

  it.each([
    [[], "ringing"],
    [["leg.ringing"], "ringing"],
    [["leg.ringing", "leg.answered"], "talking"],
    [["leg.answered", "leg.joined"], "talking"],
    [["leg.joined", "leg.left"], "talking"],
    [["leg.joined", "leg.ended"], "none"],
    [["leg.ended", "leg.joined"], "none"],
  ] as const)("%j of one's own phone: %s", (kinds, how) => {
    const [one] = after(opened, added, ...kinds.map((kind) => fact(kind, { leg_id: "l1" })));
    expect(mine(one?.legs ?? [], "op1")).toBe(how);
    expect(mine(one?.legs ?? [], "op2")).toBe("none");
  });

  it("facts of somebody else's call change nothing, not even the array", () => {
    const all = after(opened);
    expect(fold(all, fact("leg.added", { leg_id: "x" }, null))).toBe(all);
    expect(fold(all, fact("leg.ended", { leg_id: "unknown" }))).toBe(all);
  });

  it("who waits stands before who has somebody", () => {
    const [answered] = after(opened, fact("emergency.answered", { by: "op1", milliseconds: 2100 }));
    const [waiting] = after(fact("emergency.opened", {}, "i2"));
    expect([answered!, waiting!].sort(byNeed).map(({ id }) => id)).toEqual(["i2", "i1"]);
    expect(answered).toMatchObject({ answered_by: "op1", human_answer_ms: 2100 });
  });
});

describe("who is muted (A2)", () => {
  const said = (kind: string, leg_id: string, muted?: boolean) => ({ kind, data: { leg_id, muted } });

  it("is read from the record, so that a reload and a colleague know it too", () => {
    const muted = [said("leg.joined", "120"), said("leg.muted", "120", true), said("leg.muted", "son", true)];
    expect([...silenced(muted)]).toEqual(["120", "son"]);
    expect([...silenced([...muted, said("leg.muted", "son", false)])]).toEqual(["120"]);
    expect([...silenced([...muted, said("leg.joined", "120")])]).toEqual(["son"]);
  });
});
