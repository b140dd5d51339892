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

export const api = createClient<paths>({ baseUrl: "" });
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
    if (error instanceof TypeError) throw new ApiError(0, "offline", error.message);
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
