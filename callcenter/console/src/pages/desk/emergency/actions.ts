// What an operator does in an emergency: asked for once, shown while it is under way, its refusal in the server's words.
import { App } from "antd";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call } from "../../../api/client";
import { detail, insist, onceKey } from "../ask";
import { useReread } from "../data";
import type { Emergency, HelpRole } from "../shapes";

/** Do something and tell its refusal; `busy` names what is under way. */
export function useActing() {
  const { message } = App.useApp();
  const { t } = useTranslation("desk");
  const reread = useReread();
  const [busy, setBusy] = useState<ReadonlySet<string>>(new Set());
  const act = useCallback(
    async <T>(name: string, send: () => Promise<T>): Promise<T | undefined> => {
      setBusy((all) => new Set(all).add(name));
      try {
        return await send();
      } catch (error) {
        void message.error({ content: t("failed", { what: t(`acts.${name.split(":")[0]}`), detail: detail(error) }), duration: 8 });
        return undefined;
      } finally {
        setBusy((all) => new Set([...all].filter((one) => one !== name)));
        reread();
      }
    },
    [message, t, reread],
  );
  return { busy, act };
}

export function useEmergencyActions(incident: Pick<Emergency, "id">) {
  const { busy, act } = useActing();
  const path = { incident_id: incident.id };
  const headers = () => ({ "Idempotency-Key": onceKey() });
  return {
    busy,
    help: (role: HelpRole, number?: string) => {
      const once = headers();
      const body = { role, everybody: false, ...(number ? { number } : {}) };
      return act(`help:${number ?? role}`, () => insist(() => api.POST("/api/v1/emergencies/{incident_id}/legs", { params: { path, header: once }, body })));
    },
    remove: (leg_id: string) =>
      act(`remove:${leg_id}`, () => insist(() => api.DELETE("/api/v1/emergencies/{incident_id}/legs/{leg_id}", { params: { path: { ...path, leg_id } } }))),
    mute: (leg_id: string, muted: boolean) =>
      act(`mute:${leg_id}`, () => insist(() => api.POST("/api/v1/emergencies/{incident_id}/legs/{leg_id}/mute", { params: { path: { ...path, leg_id } }, body: { muted } }))),
    kind: (kind: string) =>
      act("kind", () => insist(() => api.PUT("/api/v1/emergencies/{incident_id}/kind", { params: { path }, body: { kind: kind as "fall" } }))),
    tick: (sentence: string, done: boolean) =>
      act(`tick:${sentence}`, () => insist(() => api.PUT("/api/v1/emergencies/{incident_id}/checklist", { params: { path }, body: { sentence, done } }))),
    brief: (role: HelpRole, confirmed: boolean, number?: string) => {
      const once = headers();
      const body = { role, confirmed, ...(number ? { number } : {}) };
      return act(`brief:${role}`, () => insist(() => api.POST("/api/v1/emergencies/{incident_id}/briefings", { params: { path, header: once }, body })));
    },
    accept: () => act("accept", () => insist(() => api.POST("/api/v1/emergencies/{id}/accept", { params: { path: { id: incident.id } } }))),
    join: () => act("join", () => call(api.POST("/api/v1/emergencies/{id}/join", { params: { path: { id: incident.id } } }))),
    close: (outcome: string, cause: string, summary: string) =>
      act("close", () => insist(() => api.POST("/api/v1/emergencies/{incident_id}/close", { params: { path }, body: { outcome, cause, summary } }))),
  };
}

export type EmergencyActions = ReturnType<typeof useEmergencyActions>;
