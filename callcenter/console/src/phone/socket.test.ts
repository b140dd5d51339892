// The phone's connection: back soon after a break, also in a tab whose timers sleep.
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { PhoneSocket } from "./socket";

class Browser {
  static all: Browser[] = [];
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  readyState = Browser.CONNECTING;
  onopen: (() => void) | null = null;
  onclose: ((event: object) => void) | null = null;
  onmessage = null;
  closed = false;
  constructor() {
    Browser.all.push(this);
  }
  close() {
    this.closed = true;
  }
}

let socket: PhoneSocket;
let lost: number;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Browser);
  [Browser.all, lost] = [[], 0];
  socket = new PhoneSocket("ws://center.test/ws", () => undefined);
  socket.ondisconnect = () => void lost++;
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const after = (ms: number) => {
  vi.setSystemTime(Date.now() + ms);
  socket.tick(Date.now());
};

it("gives up an attempt that takes too long, and begins the next by itself when nobody does", () => {
  socket.connect();
  after(3_999);
  expect(lost).toBe(0);
  after(1);
  expect([lost, Browser.all.length, Browser.all[0]?.closed]).toEqual([1, 1, true]);
  after(2_999);
  expect(Browser.all.length).toBe(1);
  after(1);
  expect(Browser.all.length).toBe(2);
});

it("given that the network is back then it connects at once, anew where it had begun before", () => {
  socket.connect();
  socket.hurry(Date.now());
  expect(Browser.all.length).toBe(1);
  vi.setSystemTime(Date.now() + 1_000);
  socket.hurry(Date.now());
  expect([lost, Browser.all.length]).toEqual([1, 2]);
});

it("does nothing of that while nobody wants it to be connected", () => {
  after(60_000);
  socket.hurry(Date.now());
  expect(Browser.all.length).toBe(0);
  socket.connect();
  socket.disconnect();
  after(60_000);
  socket.hurry(Date.now());
  expect(Browser.all.length).toBe(1);
});
