// What an error means, in the page's language: by its reason or code where there are words for it, else as the server says it.
import i18n from "i18next";

import { ApiError } from "../api/client";
import { half } from "./half";

interface Said {
  reason?: string;
  state?: string;
  errors?: { pointer: string; detail: string }[];
}

export function why(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  const said = (error.body ?? {}) as Said;
  const word = [`problems:reason.${said.reason}`, `problems:code.${error.code}`, `desk:refused.${error.code}`].find((key) => i18n.exists(key));
  if (word) return i18n.t(word, { ...said, state: said.state ? i18n.t(`desk:seat.${said.state}`, { defaultValue: said.state }) : "" });
  if (said.errors?.length) return i18n.t("problems:fields", { fields: said.errors.map(named).join(i18n.t("problems:and")) });
  return half(error.message);
}

/** A field that cannot be used: what the form calls it, and how it is written where that is known. */
function named({ pointer, detail }: { pointer: string; detail: string }): string {
  const name = pointer.split("/").filter((part) => part && !/^\d+$/.test(part)).at(-1) ?? pointer;
  const label = [`admin:field.${name}`, `supervisor:queues.${name}`, `problems:field.${name}`].find((key) => i18n.exists(key));
  const hint = HINTS.find(([told, field]) => told.test(detail) && field.test(name))?.[2];
  return `${label ? i18n.t(label) : name}${hint ? i18n.t(`problems:hint.${hint}`, { count: Number(/\d+/.exec(detail)?.[0] ?? 0) }) : ""}`;
}

/** Of what the server says, of which field: how it is written. */
const HINTS: [RegExp, RegExp, string][] = [
  [/at most \d+ (character|item)/, /./, "long"],
  [/at least \d+ (character|item)/, /./, "short"],
  [/./, /phone|^number$/, "phone"],
  [/./, /^id_number$/, "identity"],
  [/./, /_date$|_on$|^date$/, "day"],
];
