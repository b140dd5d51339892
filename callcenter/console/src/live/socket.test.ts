// The live socket says that this page is the seat's phone: only while that can be rung.
import { afterEach, beforeEach, expect, it, vi } from "vitest";

vi.mock("../api/session", () => ({ token: () => Promise.resolve("word") }));
vi.mock("../phone/ticker", () => ({ every: () => () => undefined }));
const { live } = await import("./socket");

class Browser {
  static all: Browser[] = [];
  static readonly OPEN = 1;
  readyState = 0;
  onopen: () => void = () => undefined;
  onclose: () => void = () => undefined;
  onmessage: (event: { data: string }) => void = () => undefined;
  sent: Record<string, unknown>[] = [];
  constructor() {
    Browser.all.push(this);
  }
  send(text: string) {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close() {
    this.readyState = 3;
  }
  /** It is open, and the server greets. */
  greet() {
    this.readyState = Browser.OPEN;
    this.onopen();
    this.onmessage({ data: JSON.stringify({ kind: "hello" }) });
  }
  get claims() {
    return this.sent.flatMap((message) => ("seat" in message ? [message.seat] : []));
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Browser);
  Browser.all = [];
  live.open();
});
afterEach(() => {
  live.isSeat(false, false);
  live.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function connected(): Promise<Browser> {
  await vi.advanceTimersByTimeAsync(10_000);
  const socket = Browser.all.at(-1) as Browser;
  socket.greet();
  return socket;
}

it("given a break then the page says that it is there when its phone is registered again, by the same name", async () => {
  const first = await connected();
  expect(first.claims).toEqual([]);
  live.isSeat(true, true);
  live.isSeat(true, true);
  expect(first.claims.length).toBe(1);
  live.isSeat(true, false);
  first.onclose();
  const second = await connected();
  expect(second).not.toBe(first);
  expect(second.claims).toEqual([]);
  live.isSeat(true, true);
  expect(second.claims).toEqual(first.claims);
});

it("given a phone that was never lost then the page says so at the greeting", async () => {
  live.isSeat(true, true);
  const socket = await connected();
  expect(socket.claims.length).toBe(1);
  live.isSeat(false, false);
  expect(socket.claims.at(-1)).toBe("");
});
