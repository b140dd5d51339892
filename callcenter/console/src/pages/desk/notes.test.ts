import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ApiError } from "../../api/client";
import { Draft, resumeNotes, stopNotes } from "./notes";

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
});
afterEach(() => vi.useRealTimers());

const accept = () => vi.fn(async (text: string, revision: number) => ({ text, revision: revision + 1 }));

describe("a note (A10, B4)", () => {
  it("is kept here at the keystroke and sent soon after", async () => {
    const put = accept();
    const note = new Draft("calls.1", put);
    note.type("跌");
    expect(localStorage.getItem("callcenter.note.calls.1")).toContain("跌");
    note.type("跌倒");
    await vi.advanceTimersByTimeAsync(450);
    expect(put.mock.calls).toEqual([["跌倒", 0]]);
    expect(note.read().state).toBe("saved");
    expect(localStorage.length).toBe(0);
  });

  it("survives a page that is gone before it was sent", async () => {
    new Draft("calls.1", () => new Promise(() => undefined)).type("门没锁");
    const put = accept();
    const next = new Draft("calls.1", put);
    expect(next.read().text).toBe("门没锁");
    await vi.advanceTimersByTimeAsync(450);
    expect(put).toHaveBeenCalledWith("门没锁", 0);
  });

  it("is tried until the server takes it", async () => {
    const put = accept();
    put.mockRejectedValueOnce(new ApiError(0, "offline", "")).mockRejectedValueOnce(new ApiError(503, "unavailable", ""));
    const note = new Draft("calls.1", put);
    note.type("头晕");
    await vi.advanceTimersByTimeAsync(450);
    expect(note.read().state).toBe("offline");
    await vi.advanceTimersByTimeAsync(6_000);
    expect(note.read().state).toBe("saved");
  });

  it("is joined with what somebody else wrote meanwhile", async () => {
    const put = accept();
    put.mockRejectedValueOnce(new ApiError(409, "note_outdated", "", { text: "已叫120。", revision: 4 }));
    const note = new Draft("calls.1", put);
    note.type("女儿在路上");
    await vi.advanceTimersByTimeAsync(1_000);
    const [text, revision] = put.mock.calls[1] ?? [];
    expect(revision).toBe(4);
    expect(text).toContain("已叫120。");
    expect(text).toContain("女儿在路上");
    expect(note.read()).toMatchObject({ state: "saved", joined: true });
  });

  it("what is typed while it is being sent is sent next", async () => {
    let answer: (value: { text: string; revision: number }) => void = () => undefined;
    const put = vi.fn((_: string, __: number) => new Promise<{ text: string; revision: number }>((resolve) => (answer = resolve)));
    const note = new Draft("calls.1", put);
    note.type("a");
    await vi.advanceTimersByTimeAsync(450);
    note.type("ab");
    await vi.advanceTimersByTimeAsync(450);
    answer({ text: "a", revision: 1 });
    await vi.advanceTimersByTimeAsync(450);
    expect(put.mock.calls).toEqual([
      ["a", 0],
      ["ab", 1],
    ]);
  });

  it("shows what the server holds until something is typed", () => {
    const note = new Draft("calls.1", accept());
    note.learn({ text: "一", revision: 1 });
    expect(note.read().text).toBe("一");
    note.type("一二");
    note.learn({ text: "三", revision: 2 });
    expect(note.read().text).toBe("一二");
  });

  it("is its author's: nobody else takes it up, and he does when he is back", async () => {
    const put = vi.fn(() => new Promise<never>(() => undefined));
    const note = new Draft("calls.1@op1", put);
    note.type("电话里说门没锁");
    note.stop();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(put).not.toHaveBeenCalled();
    expect(resumeNotes("op2")).toEqual([]);
    expect(resumeNotes("op1")).toEqual([{ subject: "calls", id: "1" }]);
    stopNotes();
    expect(localStorage.getItem("callcenter.note.calls.1@op1")).toContain("门没锁");
  });

  it("that is being sent when its author signs out is not sent again, and what was added stays", async () => {
    let answer: (value: { text: string; revision: number }) => void = () => undefined;
    const put = vi.fn((_: string, __: number) => new Promise<{ text: string; revision: number }>((resolve) => (answer = resolve)));
    const note = new Draft("calls.1@op1", put);
    note.type("a");
    await vi.advanceTimersByTimeAsync(450);
    note.type("ab");
    note.stop();
    answer({ text: "a", revision: 1 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(put).toHaveBeenCalledTimes(1);
    expect(JSON.parse(localStorage.getItem("callcenter.note.calls.1@op1") ?? "{}")).toMatchObject({ text: "ab", revision: 1 });
  });
});
