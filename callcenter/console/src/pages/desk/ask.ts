// Requests of the desk that must get through: tried again while the server stumbles, each dial asked for once only.
import { ApiError, call } from "../../api/client";

const AGAIN_MS = [250, 750, 1500, 3000];

/** 0: no answer; 429 and 5xx: not now. Anything else is an answer. */
export const passing = (error: unknown) =>
  error instanceof ApiError && (error.status === 0 || error.status === 429 || error.status >= 500);

/** With this header a request that is sent again is the same request. */
export interface Once {
  "Idempotency-Key": string;
}

/** Send, and send again while it is the server's trouble. What dials must carry the header: an answer may be lost on the way. */
export async function insist<T>(send: (once: Once) => Parameters<typeof call<T>>[0]): Promise<T> {
  const once = { "Idempotency-Key": onceKey() };
  for (let attempt = 0; ; attempt++) {
    try {
      return await call<T>(send(once));
    } catch (error) {
      const wait = AGAIN_MS[attempt];
      if (wait === undefined || !passing(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

/** A key that makes a repeated request one; also where the page has no secure context. */
function onceKey(): string {
  return crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;
}

export const detail = (error: unknown) => (error instanceof Error ? error.message : String(error));
