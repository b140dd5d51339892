// A call whose sound loses its way gets a new one; with a JsSIP session made of an object.
import type { RTCSession } from "jssip/lib/RTCSession";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Line } from "./line";
import { LOST_MS, MEND_MS } from "./rules";
import type { PhoneCall } from "./types";

class Session {
  terminated = 0;
  received = 0;
  offers: unknown[] = [];
  answered: () => void = () => undefined;
  readonly ice = new EventTarget();
  readonly connection = Object.assign(new EventTarget(), {
    iceConnectionState: "new",
    getSenders: () => [{ transport: { iceTransport: this.ice } }],
    getStats: () => Promise.resolve(new Map([["in", { type: "inbound-rtp", kind: "audio", packetsReceived: this.received }]])),
  });
  private heard = new Map<string, (event: never) => void>();

  on(name: string, listener: (event: never) => void) {
    this.heard.set(name, listener);
  }
  emit(name: string, event: object = {}) {
    this.heard.get(name)?.(event as never);
  }
  renegotiate(options: unknown, done: () => void) {
    this.offers.push(options);
    this.answered = done;
    return true;
  }
  isEnded() {
    return this.terminated > 0;
  }
  terminate() {
    if (this.isEnded()) throw new Error("Invalid status: 8");
    this.terminated++;
  }
  onTransportError() {
    this.terminate();
  }
  onRequestTimeout() {
    this.terminate();
  }
  state(ice: string) {
    this.connection.iceConnectionState = ice;
    this.connection.dispatchEvent(new Event("connectionstatechange"));
    this.connection.dispatchEvent(new Event("iceconnectionstatechange"));
  }
}

let session: Session;
let line: Line;
let hurts: number;
let ended: string[];

beforeEach(() => {
  vi.useFakeTimers();
  [session, hurts, ended] = [new Session(), 0, []];
  const call = { state: "answering", media: "connecting", unheard: false } as PhoneCall;
  line = new Line(session as unknown as RTCSession, call, {
    changed: () => undefined,
    heard: () => undefined,
    hurt: () => hurts++,
    ended: (_, reason) => ended.push(reason),
  });
  session.emit("accepted");
  session.state("connected");
});
afterEach(() => vi.useRealTimers());

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
const otherPair = () => session.ice.dispatchEvent(new Event("selectedcandidatepairchange"));

describe("a call's sound", () => {
  it("given another pair of addresses while it settles then nothing is done", () => {
    otherPair();
    expect(hurts).toBe(0);
  });

  it("given another pair later then it gets a new way, once, when the server is heard", () => {
    pass(10_000);
    otherPair();
    otherPair();
    expect(hurts).toBe(1);
    expect(session.offers).toEqual([]);
    line.mend();
    line.mend();
    expect(session.offers).toEqual([{ rtcOfferConstraints: { iceRestart: true } }]);
  });

  it("given that the server does not hear it then it gets a new way", () => {
    line.unheard(true);
    expect([hurts, line.now.unheard]).toEqual([1, true]);
    line.unheard(false);
    expect(line.now.unheard).toBe(false);
  });

  it.each(["onTransportError", "onRequestTimeout"] as const)("given no answer (%s) then it is asked for again", (why) => {
    session.state("disconnected");
    line.mend();
    session[why]();
    expect([session.terminated, ended]).toEqual([0, []]);
    line.tick(Date.now() + MEND_MS);
    line.mend();
    expect([hurts, session.offers.length]).toEqual([2, 2]);
    session.answered();
    session[why]();
    expect(session.terminated).toBe(1);
  });

  it("given a new way that does not help then the call is given up", () => {
    session.state("disconnected");
    line.mend();
    session.answered();
    line.tick(Date.now() + MEND_MS - 1);
    expect(ended).toEqual([]);
    line.tick(Date.now() + MEND_MS);
    expect(ended).toEqual(["lost"]);
  });

  it("given that the call ends while a new way is asked for then JsSIP's second end of it does no harm", () => {
    session.terminate();
    expect(() => session.terminate()).not.toThrow();
    expect(session.terminated).toBe(1);
  });

  it("given no server to ask then the call is kept for long, and given up at last", () => {
    session.state("disconnected");
    line.tick(Date.now() + LOST_MS - 1);
    expect([hurts, ended.length]).toEqual([2, 0]);
    line.tick(Date.now() + LOST_MS);
    expect(ended).toEqual(["lost"]);
  });

  it("given packets no more then it is deaf, so that the next call may ring; the call itself lives on", async () => {
    const listen = async (received: number) => {
      pass(1_000);
      session.received = received;
      line.tick(Date.now());
      await vi.advanceTimersByTimeAsync(0);
    };
    await listen(50);
    await listen(100);
    await listen(100);
    expect(line.deaf(Date.now())).toBe(false);
    await listen(100);
    await listen(100);
    expect([line.deaf(Date.now()), ended]).toEqual([true, []]);
    await listen(150);
    expect(line.deaf(Date.now())).toBe(false);
  });

  it("given that the server ends what it does not hear then it is told as lost, not as hung up", () => {
    line.unheard(true);
    session.emit("ended", { originator: "remote" });
    expect(ended).toEqual(["lost"]);
  });
});
