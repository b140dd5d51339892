// The phone's pure parts: what asks for an answer, when a call is given up, when a server is taken for dead.
import { describe, expect, it, vi } from "vitest";

import { Emitter } from "./emitter";
import { samples, wav } from "./ringtone";
import { asksForAnswer, givenUp, KEYS, LOST_MS, mediaOf, MEND_MS, problemOf, usable } from "./rules";
import { Watchdog } from "./watchdog";

describe("an INVITE that asks to be answered", () => {
  const headers = (all: Record<string, string>) => (name: string) => all[name];
  it.each([
    [{ "Call-Info": "<sip:127.0.0.1>;answer-after=0" }, true],
    [{ "Alert-Info": "<http://www.notused.com>;info=alert-autoanswer;delay=0" }, true],
    [{ "Call-Info": "<sip:127.0.0.1>;answer-after=05" }, false],
    [{ "Call-Info": "<http://x>;purpose=icon" }, false],
    [{}, false],
  ])("%j: %s", (given, wanted) => expect(asksForAnswer(headers(given))).toBe(wanted));
});

describe("a candidate that an answer may go out with", () => {
  const line = (protocol: string, address: string) => `candidate:1 1 ${protocol} 2122 ${address} 50000 typ host`;
  it.each([
    ["udp", "192.0.2.2", true],
    ["udp", "2001:db8::2", true],
    ["tcp", "192.0.2.2", false],
    ["udp", "6f0c1a2b.local", false],
    ["udp", "fe80::1", false],
    ["udp", "169.254.3.4", false],
  ])("%s %s: %s", (protocol, address, wanted) => {
    const candidate = line(protocol, address);
    expect(usable({ candidate, protocol: null, address: null })).toBe(wanted);
    expect(usable({ candidate, protocol: protocol as RTCIceProtocol, address })).toBe(wanted);
  });
});

it("tells the states of audio", () => {
  expect(mediaOf("checking", "connecting")).toBe("connecting");
  expect(mediaOf("connected", "connecting")).toBe("flowing");
  expect(mediaOf("disconnected", "flowing")).toBe("lost");
  expect(mediaOf("checking", "lost")).toBe("lost");
  expect(mediaOf("connected", "lost")).toBe("flowing");
});

it("gives up a call without audio when a new way did not help, and late when the server is away", () => {
  expect(givenUp(500 + LOST_MS - 1, 500, 0)).toBe(false);
  expect(givenUp(500 + LOST_MS, 500, 0)).toBe(true);
  expect(givenUp(1_000 + MEND_MS - 1, 500, 1_000)).toBe(false);
  expect(givenUp(1_000 + MEND_MS, 500, 1_000)).toBe(true);
  expect(givenUp(1_000 + MEND_MS, 500, 400)).toBe(false);
});

it("explains the refusals of a microphone", () => {
  expect(problemOf("NotAllowedError")).toBe("microphone_denied");
  expect(problemOf("NotReadableError")).toBe("microphone_busy");
  expect(problemOf("NotFoundError")).toBe("microphone_missing");
});

it("knows keys", () => {
  expect(KEYS.test("*43#")).toBe(true);
  for (const wrong of ["", "4a", "1,2", " 1"]) expect(KEYS.test(wrong)).toBe(false);
});

describe("the watchdog", () => {
  const watched = () => {
    const ask = vi.fn();
    const dead = vi.fn();
    const dog = new Watchdog(ask, dead, { every: 5_000, within: 2_000 });
    dog.heard(0);
    return { ask, dead, dog };
  };

  it("given words then it asks nothing", () => {
    const { ask, dog } = watched();
    for (let now = 0; now < 60_000; now += 1_000) {
      if (now % 4_000 === 0) dog.heard(now);
      dog.tick(now);
    }
    expect(ask).not.toHaveBeenCalled();
  });

  it("given silence then it asks once, and an answer is enough", () => {
    const { ask, dead, dog } = watched();
    for (let now = 0; now <= 6_000; now += 1_000) dog.tick(now);
    expect(ask).toHaveBeenCalledTimes(1);
    dog.heard(6_500);
    for (let now = 7_000; now <= 11_000; now += 1_000) dog.tick(now);
    expect(dead).not.toHaveBeenCalled();
  });

  it("given silence to its question then the connection is dead, once", () => {
    const { dead, dog } = watched();
    for (let now = 0; now <= 8_000; now += 1_000) dog.tick(now);
    expect(dead).toHaveBeenCalledTimes(1);
  });
});

it("the watchdog, given a new connection on which nobody answers, gives it up at once", () => {
  const ask = vi.fn();
  const dead = vi.fn();
  const dog = new Watchdog(ask, dead, { every: 5_000, within: 2_000 });
  dog.heard(0);
  dog.asked(0);
  for (let now = 0; now <= 2_000; now += 1_000) dog.tick(now);
  expect(dead).toHaveBeenCalledTimes(1);
  expect(ask).not.toHaveBeenCalled();
});

it("rings with tones that begin and end in silence, as a WAV", async () => {
  const calm = samples("calm");
  expect(calm.length).toBe(5 * 16_000);
  expect(Math.max(...calm)).toBeGreaterThan(0.45);
  expect(calm.slice(16_000).every((value) => value === 0)).toBe(true);
  expect(samples("urgent").at(-1)).toBe(0);
  expect(wav(calm).size).toBe(44 + calm.length * 2);
});

it("emits to who listens, and no longer", () => {
  const emitter = new Emitter<{ word: string }>();
  const heard: string[] = [];
  const stop = emitter.on("word", (word) => heard.push(word));
  emitter.emit("word", "one");
  stop();
  emitter.emit("word", "two");
  expect(heard).toEqual(["one"]);
});
