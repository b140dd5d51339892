// The API as typed functions: paths and shapes come from the server's own description (schema.gen.ts).
//
//   const { data } = useQuery(query("/api/v1/seats"));
//   await call(api.PUT("/api/v1/seats/me/state", { body: { state: "ready" } }));
import createClient, { type Middleware } from "openapi-fetch";
import type { MaybeOptionalInit } from "openapi-fetch";
import type { PathsWithMethod } from "openapi-typescript-helpers";

import type { components, paths } from "./schema.gen";
import { token } from "./session";

export type Schemas = components["schemas"];

/** What the server says is wrong (RFC 9457), or that it cannot be reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly body: unknown = null,
  ) {
    super(detail);
  }

  get offline(): boolean {
    return this.status === 0;
  }
}

const bearer: Middleware = {
  async onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${await token()}`);
    return request;
  },
};

/** A network that is cut without a word leaves a request hanging for minutes: after so long it counts as not reached. */
const ANSWER_MS = 20_000;

function patient(request: Request): Promise<Response> {
  return fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(ANSWER_MS)]) });
}

export const api = createClient<paths>({ baseUrl: "", fetch: patient });
api.use(bearer);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer; throws `ApiError` for everything else. */
export async function call<T>(pending: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await pending;
  } catch (error) {
    const tooLate = error instanceof DOMException && error.name === "TimeoutError";
    if (error instanceof TypeError || tooLate) throw new ApiError(0, "offline", error.message);
    // A sign-in that the server cannot renew just now is not over: what is asked for is asked for again.
    if (error instanceof Error && "status" in error && typeof error.status === "number" && error.status !== 401)
      throw new ApiError(error.status, "unavailable", error.message);
    throw error;
  }
  if (answer.response.ok) return answer.data as T;
  const problem = (answer.error ?? {}) as { code?: string; detail?: string; title?: string };
  throw new ApiError(
    answer.response.status,
    problem.code ?? String(answer.response.status),
    problem.detail ?? problem.title ?? answer.response.statusText,
    answer.error,
  );
}

/** What a path answers when all is well. */
export type DataOf<P extends PathsWithMethod<paths, "get">> = paths[P] extends {
  get: { responses: { 200: { content: { "application/json": infer T } } } };
}
  ? T
  : never;

/** Options of a TanStack query that reads a path: its key is the path and what is asked of it. */
export function query<P extends PathsWithMethod<paths, "get">>(
  path: P,
  ...[init]: {} extends MaybeOptionalInit<paths[P], "get">
    ? [init?: MaybeOptionalInit<paths[P], "get">]
    : [init: MaybeOptionalInit<paths[P], "get">]
) {
  return {
    queryKey: [path, init ?? null] as const,
    queryFn: ({ signal }: { signal: AbortSignal }): Promise<DataOf<P>> =>
      call<DataOf<P>>(api.GET(path, { ...(init as object), signal } as never) as Promise<Answer<DataOf<P>>>),
  };
}
