// Who is in need, from whatever can tell: the file, the place kept in memory, the call's own screen.
import { useQuery } from "@tanstack/react-query";

import { query } from "../../../api/client";
import { passing } from "../ask";
import { screenQuery } from "../data";
import type { Elder, Emergency, Location } from "../shapes";

const stubborn = { retry: (count: number, error: Error) => count < 6 && passing(error), retryDelay: (n: number) => Math.min(200 * 2 ** n, 4_000) };

export interface InNeed {
  elder: Elder | undefined;
  location: Location | undefined;
  contacts: { role: string; name: string; phone: string }[];
  /** The file could not be read; what is there came from memory. */
  fileMissing: boolean;
  loading: boolean;
}

export function useInNeed(one: Emergency): InNeed {
  const id = one.elder_id;
  const path = { path: { id: id ?? "" } };
  const callId = one.calls[0] ?? null;
  // The call's screen is answered from memory; the file only by the database: for alarms without a call.
  const screen = useQuery({ ...screenQuery(callId ?? ""), enabled: callId !== null });
  const file = useQuery({
    ...query("/api/v1/elders/{id}", { params: path }),
    enabled: !!id && (callId === null || screen.isError),
    staleTime: 60_000,
    ...stubborn,
  });
  const place = useQuery({
    ...query("/api/v1/elders/{id}/location", { params: path }),
    enabled: !!id,
    refetchInterval: 10_000,
    ...stubborn,
  });
  const elder = screen.data?.elder ?? file.data ?? undefined;
  return {
    elder,
    location: place.data,
    contacts: screen.data?.contacts ?? file.data?.contacts ?? [],
    fileMissing: !!id && !elder && (file.isError || screen.isError),
    loading: !!id && !elder && !file.isError,
  };
}

/** Whole years at this moment. */
export function age(born: string | null | undefined, now = new Date()): number | null {
  if (!born) return null;
  const [year = 0, month = 1, day = 1] = born.split("-").map(Number);
  const had = now.getMonth() + 1 > month || (now.getMonth() + 1 === month && now.getDate() >= day);
  return now.getFullYear() - year - (had ? 0 : 1);
}
