// The four states of anything that is read from the server: loading, empty, error, there.
import type { UseQueryResult } from "@tanstack/react-query";
import { Alert, Button, Empty, Spin } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { ApiError } from "../api/client";
import { why } from "./why";

interface Props<T> {
  of: UseQueryResult<T>;
  /** Whether what was read holds nothing to show. */
  empty?: (data: T) => boolean;
  emptyText?: string;
  children: (data: T) => ReactNode;
}

/** Show a query's data, or which state it is in. Data that is there stays while it is read again. */
export function Loaded<T>({ of, empty, emptyText, children }: Props<T>) {
  const { t } = useTranslation();
  if (of.data !== undefined) {
    if (empty?.(of.data)) return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={emptyText ?? t("state.empty")} />;
    return <>{children(of.data)}</>;
  }
  if (of.error) return <Failed error={of.error} retry={() => void of.refetch()} />;
  return (
    <div role="status" style={{ padding: 24, textAlign: "center" }}>
      <Spin /> <span className="quiet">{t("state.loading")}</span>
    </div>
  );
}

/** What went wrong, and a way to try again. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const offline = error instanceof ApiError && error.offline;
  const detail = why(error);
  return (
    <Alert
      type="error"
      showIcon
      title={offline ? t("state.offline") : t("state.error", { detail })}
      action={retry && <Button size="small" onClick={retry}>{t("state.retry")}</Button>}
    />
  );
}
