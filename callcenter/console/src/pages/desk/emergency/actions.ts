// What an operator does in an emergency: asked for once, shown while it is under way, its refusal in the server's words.
import { App } from "antd";
import { useCallback, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { api } from "../../../api/client";
import { insist } from "../ask";
import { useLearnLeg, useReread } from "../data";
import { useWhy } from "../refusal";
import type { Emergency, HelpRole } from "../shapes";

/** Do something and tell its refusal; `busy` names what is under way, and what is under way is not begun again. */
export function useActing() {
  const { message } = App.useApp();
  const { t } = useTranslation("desk");
  const why = useWhy();
  const reread = useReread();
  const [busy, setBusy] = useState<ReadonlySet<string>>(new Set());
  const underWay = useRef(new Set<string>());
  const act = useCallback(
    async <T>(name: string, send: () => Promise<T>): Promise<T | undefined> => {
      // A key is quicker than the button that turns grey.
      if (underWay.current.has(name)) return undefined;
      underWay.current.add(name);
      setBusy((all) => new Set(all).add(name));
      try {
        return await send();
      } catch (error) {
        void message.error({ content: t("failed", { what: t(`acts.${name.split(":")[0]}`), detail: why(error) }), duration: 8 });
        return undefined;
      } finally {
        underWay.current.delete(name);
        setBusy((all) => new Set([...all].filter((one) => one !== name)));
        reread();
      }
    },
    [message, t, why, reread],
  );
  return { busy, act };
}

export function useEmergencyActions(incident: Pick<Emergency, "id">) {
  const { busy, act } = useActing();
  const learnLeg = useLearnLeg(incident.id);
  const path = { incident_id: incident.id };
  const join = () => insist((header) => api.POST("/api/v1/emergencies/{id}/join", { params: { path: { id: incident.id }, header } }));
  return {
    busy,
    help: (role: HelpRole, number?: string) => {
      const body = { role, everybody: false, ...(number ? { number } : {}) };
      // The button goes from "being asked for" to "being called" without a moment in which it could be pressed again.
      return act(`help:${number ?? role}`, async () =>
        learnLeg(await insist((header) => api.POST("/api/v1/emergencies/{incident_id}/legs", { params: { path, header }, body }))),
      );
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
      const body = { role, confirmed, ...(number ? { number } : {}) };
      return act(`brief:${role}`, () => insist((header) => api.POST("/api/v1/emergencies/{incident_id}/briefings", { params: { path, header }, body })));
    },
    accept: () => act("accept", () => insist(() => api.POST("/api/v1/emergencies/{id}/accept", { params: { path: { id: incident.id } } }))),
    join: () => act("join", join),
    /** Without a word when it is refused: the page asks by itself. */
    ring: () => join().catch(() => undefined),
    close: (outcome: string, cause: string, summary: string) =>
      act("close", () => insist(() => api.POST("/api/v1/emergencies/{incident_id}/close", { params: { path }, body: { outcome, cause, summary } }))),
  };
}

export type EmergencyActions = ReturnType<typeof useEmergencyActions>;
