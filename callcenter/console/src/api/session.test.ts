import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { call } from "./client";
import { signIn, signOut, token, useSession } from "./session";

const answer = (body: unknown, status = 200) => ({ ok: status < 300, status, statusText: "", json: async () => body });
const tokens = (name: string, expires_in: number) => ({ access_token: `access ${name}`, refresh_token: `refresh ${name}`, expires_in });
const account = { user: "op1", role: "operator", area: null, permissions: [] };

beforeEach(() => sessionStorage.clear());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a sign-in (C10)", () => {
  it.each([
    ["accepted", 200],
    ["refused", 401],
  ])("that is over is not taken up again by a refresh that was under way and is %s", async (_, status) => {
    let refreshed: (value: unknown) => void = () => undefined;
    let signedIn = 0;
    vi.stubGlobal("fetch", (path: string) => {
      if (path.endsWith("/refresh")) return new Promise((resolve) => (refreshed = resolve));
      return Promise.resolve(answer(path.endsWith("/token") ? tokens(String(++signedIn), 3600) : path.endsWith("/me") ? account : null));
    });
    await signIn("op1", "secret");
    vi.setSystemTime(Date.now() + 3_600_000);
    const late = token();
    await signOut();
    await signIn("op1", "secret");
    refreshed(answer(tokens("late", 3600), status));
    await expect(late).rejects.toThrow();
    expect(sessionStorage.getItem("callcenter.refresh")).toBe("refresh 2");
    expect(useSession.getState().phase).toBe("signed_in");
  });

  it("whose new token got lost on the way asks for the same one again, and for another the next time", async () => {
    const asked: { refresh_token: string; next: string }[] = [];
    vi.stubGlobal("fetch", (path: string, init?: RequestInit) => {
      if (!path.endsWith("/refresh")) return Promise.resolve(answer(path.endsWith("/token") ? tokens("1", 3600) : account));
      const trade = JSON.parse(String(init?.body)) as (typeof asked)[number];
      asked.push(trade);
      if (asked.length === 1) return Promise.reject(new TypeError("the network is gone"));
      return Promise.resolve(answer({ ...tokens("", 3600), refresh_token: trade.next }));
    });
    await signIn("op1", "secret");
    vi.setSystemTime(Date.now() + 3_600_000);
    await expect(token()).rejects.toThrow(TypeError);
    await token();
    vi.setSystemTime(Date.now() + 3_600_000);
    await token();
    const [lost, again, later] = asked;
    expect(lost?.next).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(again).toEqual(lost);
    expect(later?.refresh_token).toBe(lost?.next);
    expect(later?.next).not.toBe(lost?.next);
  });

  it("is renewed in passing, and lasts while the server cannot renew it", async () => {
    let down = true;
    let asked = 0;
    vi.stubGlobal("fetch", (path: string, init?: RequestInit) => {
      if (!path.endsWith("/refresh")) return Promise.resolve(answer(path.endsWith("/token") ? tokens("1", 900) : account));
      asked++;
      const { next } = JSON.parse(String(init?.body)) as { next: string };
      return Promise.resolve(down ? answer({ detail: "the database is away" }, 503) : answer({ ...tokens("2", 900), refresh_token: next }));
    });
    await signIn("op1", "secret");
    const begun = Date.now();
    await token();
    expect(asked).toBe(0);
    vi.setSystemTime(begun + 301_000);
    expect(await token()).toBe("access 1");
    expect(asked).toBe(1);
    vi.setSystemTime(begun + 860_000);
    expect(await token()).toBe("access 1");
    expect(useSession.getState().phase).toBe("signed_in");
    vi.setSystemTime(begun + 900_000);
    await expect(call(Promise.resolve().then(token).then(() => ({ response: new Response() })))).rejects.toMatchObject({ status: 503 });
    down = false;
    expect(await token()).toBe("access 2");
  });
});
