// What an operator does with an ordinary call and the own seat.
import { api } from "../../../api/client";
import { phone, usePhone } from "../../../phone";
import { insist } from "../ask";
import { useMe } from "../data";
import { useActing } from "../emergency/actions";
import { isSeatOf, up, type Call } from "../shapes";

export type TransferMode = "blind" | "attended" | "invite";

export function useSeatActions() {
  const { busy, act } = useActing();
  return {
    busy,
    declare: (state: "ready" | "paused", reason = "") =>
      act("declare", () => insist(() => api.PUT("/api/v1/seats/me/state", { body: { state, reason } }))),
    wrapUp: (body: { done: true } | { extend_seconds: number }) =>
      act("wrapUp", () => insist(() => api.PUT("/api/v1/seats/me/wrap-up", { body: { done: false, ...body } }))),
    dial: (number: string, elder_id?: string) =>
      act("dial", () => insist((header) => api.POST("/api/v1/calls", { params: { header }, body: { number, purpose: "other", work_order_id: "", ...(elder_id ? { elder_id } : {}) } }))),
    retrieve: (call_id: string) => act("retrieve", () => insist((header) => api.POST("/api/v1/calls/{call_id}/retrieve", { params: { header, path: { call_id } } }))),
  };
}

export function useCallActions(call: Call | undefined) {
  const { busy, act } = useActing();
  const me = useMe();
  const [state] = usePhone();
  const path = { call_id: call?.id ?? "" };
  const inPage = state.call?.kind === "seat";
  return {
    busy,
    hold: () =>
      act("hold", () =>
        insist((header) => {
          const params = { header, path };
          return call?.held ? api.POST("/api/v1/calls/{call_id}/resume", { params }) : api.POST("/api/v1/calls/{call_id}/hold", { params });
        }),
      ),
    transfer: (to: string, mode: TransferMode) =>
      act("transfer", () =>
        mode === "invite"
          ? insist<unknown>((header) => api.POST("/api/v1/calls/{call_id}/legs", { params: { header, path }, body: { to } }))
          : insist<unknown>((header) => api.POST("/api/v1/calls/{call_id}/transfer", { params: { header, path }, body: { to, mode } })),
      ),
    complete: () => act("complete", () => insist((header) => api.POST("/api/v1/calls/{call_id}/transfer/complete", { params: { header, path } }))),
    cancel: () => act("cancelTransfer", () => insist((header) => api.POST("/api/v1/calls/{call_id}/transfer/cancel", { params: { header, path } }))),
    park: () => act("park", () => insist((header) => api.POST("/api/v1/calls/{call_id}/park", { params: { header, path } }))),
    remove: (leg_id: string) =>
      act("remove", () => insist((header) => api.DELETE("/api/v1/calls/{call_id}/legs/{leg_id}", { params: { header, path: { ...path, leg_id } } }))),
    /** The phone in the page hangs up itself; one on the table is told by the server. */
    hangUp: async () => {
      if (inPage) phone.hangUp();
      else if (call) await act("hangUp", () => insist((header) => api.POST("/api/v1/calls/{call_id}/hangup", { params: { header, path } })));
    },
    mute: async (muted: boolean) => {
      if (inPage) return phone.mute(muted);
      const leg = call?.legs.find((one) => isSeatOf(me)(one) && up(one));
      if (leg) await act("mute", () => insist((header) => api.POST("/api/v1/calls/{call_id}/mute", { params: { header, path }, body: { leg: leg.id, muted } })));
    },
  };
}
