// Callers who are to be called back: they keep their place; who could not be reached is somebody's work.
import { Button, Popconfirm, Space, Tag } from "antd";
import { useTranslation } from "react-i18next";

import { api, call } from "../../api/client";
import { usePages } from "../../api/pages";
import { MoreTable } from "../../ui/MoreTable";
import { moment, Since } from "../../ui/time";
import { useSaved } from "../../ui/useSaved";

export function CallBacksTab() {
  const { t } = useTranslation("work");
  const found = usePages("/api/v1/callbacks");
  const now = useSaved("/api/v1/callbacks", (id: string) => call(api.POST("/api/v1/callbacks/{id}/now", { params: { path: { id } } })));
  const cancel = useSaved("/api/v1/callbacks", (id: string) => call(api.DELETE("/api/v1/callbacks/{id}", { params: { path: { id } } })));
  return (
    <MoreTable
      of={found}
      rowKey="id"
      columns={[
        { title: t("number"), dataIndex: "number", className: "tabular" },
        { title: t("elder"), dataIndex: "elder_name" },
        { title: t("queue"), dataIndex: "queue" },
        { title: t("waiting"), render: (_, one) => (one.ended_at ? moment(one.since) : <Since at={one.since} />) },
        { title: t("attempts"), align: "right", render: (_, one) => one.attempts.length },
        { title: t("next"), render: (_, one) => one.next_at && moment(one.next_at) },
        { title: t("state"), render: (_, one) => <Tag color={one.state === "failed" ? "error" : "default"}>{t(`callbacks.${one.state}`)}</Tag> },
        {
          key: "actions",
          render: (_, one) =>
            !one.ended_at && (
              <Space>
                <Button size="small" onClick={() => now.mutate(one.id)}>
                  {t("now")}
                </Button>
                <Popconfirm title={`${t("common:action.cancel")}?`} onConfirm={() => cancel.mutate(one.id)}>
                  <Button size="small" danger>
                    {t("common:action.cancel")}
                  </Button>
                </Popconfirm>
              </Space>
            ),
        },
      ]}
    />
  );
}
