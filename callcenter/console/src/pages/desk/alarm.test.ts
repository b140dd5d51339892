import { afterEach, describe, expect, it, vi } from "vitest";

import { alarm } from "./alarm";

const notices: { title: string; open: boolean }[] = [];

class FakeNotification {
  static permission = "granted";
  onclick: unknown;
  onclose: (() => void) | undefined;
  private readonly shown: (typeof notices)[number];

  constructor(title: string) {
    notices.push((this.shown = { title, open: true }));
  }

  close() {
    this.shown.open = false;
    this.onclose?.();
  }
}

function inFront(front: boolean): void {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => !front });
  document.dispatchEvent(new Event("visibilitychange"));
}

afterEach(() => {
  alarm.stop();
  vi.unstubAllGlobals();
});

describe("the alarm (B4)", () => {
  it("is a notification as soon as another window is in front, once, until somebody answers", () => {
    vi.stubGlobal("Notification", FakeNotification);
    inFront(true);
    alarm.start(false, "紧急呼叫");
    expect([document.title, notices]).toEqual(["紧急呼叫", []]);
    inFront(false);
    alarm.start(false, "紧急呼叫 陈桂英");
    inFront(true);
    inFront(false);
    expect(notices).toEqual([
      { title: "紧急呼叫", open: false },
      { title: "紧急呼叫 陈桂英", open: true },
    ]);
    alarm.stop();
    inFront(true);
    inFront(false);
    expect(notices.map(({ open }) => open)).toEqual([false, false]);
    expect(document.title).toBe("");
  });
});
