// Requests by path, for what is asked with a shape named here and not by the generated description.
import { api, call } from "../../api/client";

type Method = "GET" | "POST" | "PUT" | "DELETE";
type Send = (path: string, init: { body?: unknown; params?: unknown; headers?: Record<string, string>; signal?: AbortSignal }) => Promise<{
  data?: unknown;
  error?: unknown;
  response: Response;
}>;

/** Send a request below /api/v1 and take its answer for a `T`; throws `ApiError`. */
export async function ask<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const send = api[method] as unknown as Send;
  return (await call(send(`/api/v1${path}`, { ...(body === undefined ? {} : { body }), ...(signal ? { signal } : {}) }))) as T;
}
