// Why something was refused, in the operator's language where the server names the reason by a code; else in its words.
import { useCallback } from "react";
import { useTranslation } from "react-i18next";

import { ApiError } from "../../api/client";
import { detail } from "./ask";

export function useWhy(): (error: unknown) => string {
  const { t } = useTranslation("desk");
  return useCallback(
    (error) => {
      if (!(error instanceof ApiError)) return detail(error);
      if (error.offline) return t("refused.offline");
      const { state, user, ...said } = (error.body ?? {}) as Record<string, unknown>;
      const words = { ...said, user, state: typeof state === "string" ? t(`seat.${state}`, { defaultValue: state }) : "" };
      return t(`refused.${error.code}`, { ...words, defaultValue: error.message });
    },
    [t],
  );
}
