// Lists of any length: part by part, as they are asked for.
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import type { PathsWithMethod } from "openapi-typescript-helpers";

import { api, call, type DataOf } from "./client";
import type { paths } from "./schema.gen";

type ItemOf<P extends PathsWithMethod<paths, "get">> = DataOf<P> extends { items: (infer T)[] } ? T : never;
interface Part<T> {
  items: T[];
  next: string | null;
}

/** The items of a list so far, and how to get more; `filter` is what the path's query takes besides the cursor. */
export function usePages<P extends PathsWithMethod<paths, "get">>(path: P, filter: Record<string, unknown> = {}) {
  const found = useInfiniteQuery({
    queryKey: [path, filter],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => {
      const query = { limit: 50, ...filter, ...(pageParam && { cursor: pageParam }) };
      return call<Part<ItemOf<P>>>(api.GET(path, { params: { query }, signal } as never) as never);
    },
    getNextPageParam: (part) => part.next,
    placeholderData: keepPreviousData,
  });
  return { ...found, items: found.data?.pages.flatMap((part) => part.items) ?? [] };
}
