// A table of a list that is fetched part by part.
import { Button, Table, type TableProps } from "antd";
import { useTranslation } from "react-i18next";

import { Failed } from "./Loaded";

interface Props<T> extends TableProps<T> {
  of: {
    items: T[];
    error: Error | null;
    isPending: boolean;
    hasNextPage: boolean;
    isFetchingNextPage: boolean;
    fetchNextPage: () => unknown;
    refetch: () => unknown;
  };
}

export function MoreTable<T extends object>({ of, ...table }: Props<T>) {
  const { t } = useTranslation();
  if (of.error && !of.items.length) return <Failed error={of.error} retry={() => void of.refetch()} />;
  return (
    <Table
      size="small"
      pagination={false}
      scroll={{ x: "max-content" }}
      dataSource={of.items}
      loading={of.isPending}
      footer={
        of.hasNextPage
          ? () => (
              <Button size="small" loading={of.isFetchingNextPage} onClick={() => void of.fetchNextPage()}>
                {t("action.more")}
              </Button>
            )
          : undefined
      }
      {...table}
    />
  );
}
