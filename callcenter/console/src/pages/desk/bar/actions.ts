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
      act("dial", () => insist(() => api.POST("/api/v1/calls", { body: { number, purpose: "other", work_order_id: "", ...(elder_id ? { elder_id } : {}) } }))),
    retrieve: (call_id: string) => act("retrieve", () => insist(() => api.POST("/api/v1/calls/{call_id}/retrieve", { params: { path: { call_id } } }))),
  };
}

export function useCallActions(call: Call | undefined) {
  const { busy, act } = useActing();
  const me = useMe();
  const [state] = usePhone();
  const params = { path: { call_id: call?.id ?? "" } };
  const inPage = state.call?.kind === "seat";
  return {
    busy,
    hold: () =>
      act("hold", () =>
        insist(() => (call?.held ? api.POST("/api/v1/calls/{call_id}/resume", { params }) : api.POST("/api/v1/calls/{call_id}/hold", { params }))),
      ),
    transfer: (to: string, mode: TransferMode) =>
      act("transfer", () =>
        mode === "invite"
          ? insist<unknown>(() => api.POST("/api/v1/calls/{call_id}/legs", { params, body: { to } }))
          : insist<unknown>(() => api.POST("/api/v1/calls/{call_id}/transfer", { params, body: { to, mode } })),
      ),
    complete: () => act("complete", () => insist(() => api.POST("/api/v1/calls/{call_id}/transfer/complete", { params }))),
    cancel: () => act("cancelTransfer", () => insist(() => api.POST("/api/v1/calls/{call_id}/transfer/cancel", { params }))),
    park: () => act("park", () => insist(() => api.POST("/api/v1/calls/{call_id}/park", { params }))),
    remove: (leg_id: string) =>
      act("remove", () => insist(() => api.DELETE("/api/v1/calls/{call_id}/legs/{leg_id}", { params: { path: { ...params.path, leg_id } } }))),
    /** The phone in the page hangs up itself; one on the table is told by the server. */
    hangUp: async () => {
      if (inPage) phone.hangUp();
      else if (call) await act("hangUp", () => insist(() => api.POST("/api/v1/calls/{call_id}/hangup", { params })));
    },
    mute: async (muted: boolean) => {
      if (inPage) return phone.mute(muted);
      const leg = call?.legs.find((one) => isSeatOf(me)(one) && up(one));
      if (leg) await act("mute", () => insist(() => api.POST("/api/v1/calls/{call_id}/mute", { params, body: { leg: leg.id, muted } })));
    },
  };
}
