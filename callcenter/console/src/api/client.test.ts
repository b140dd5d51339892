// What becomes of a question when the network is cut without a word.
// @vitest-environment node
import { afterEach, expect, it, vi } from "vitest";

vi.mock("./session", () => ({ SignInError: class extends Error {}, token: () => Promise.resolve("word") }));
const { Request: Bare } = globalThis;
vi.stubGlobal("Request", class extends Bare {
  constructor(path: string, init?: RequestInit) {
    super(new URL(path, "http://center.test"), init);
  }
});
const { api, ApiError, call } = await import("./client");

afterEach(() => vi.unstubAllGlobals());

/** Never answers; ends when it is told to, as a browser's does. */
function hanging(_: Request, { signal }: { signal: AbortSignal }): Promise<Response> {
  return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
}

it("given no answer at all then in the end it counts as not reached, and can be asked again", async () => {
  const given: number[] = [];
  vi.stubGlobal("fetch", hanging);
  const { timeout } = AbortSignal;
  AbortSignal.timeout = (ms) => {
    given.push(ms);
    return timeout.call(AbortSignal, 1);
  };
  try {
    const failed: unknown = await call(api.GET("/api/v1/seats")).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(ApiError);
    expect((failed as InstanceType<typeof ApiError>).offline).toBe(true);
    expect(given.length).toBe(1);
  } finally {
    AbortSignal.timeout = timeout;
  }
});
