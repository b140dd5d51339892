// The queues: who may serve them, when they are open, what happens when it takes too long.
import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import { App, Button, Popconfirm, Space, Table, Tag } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call, query, type Schemas } from "../../api/client";
import { queries } from "../../live/queries";
import { Loaded } from "../../ui/Loaded";
import { why } from "../../ui/why";
import { percent } from "./Figure";
import { QueueForm } from "./QueueForm";
import styles from "./supervisor.module.css";

/** Where callers go; everything else is a queue or a number. */
const NAMED = new Set(["stay", "voicemail", "callback"]);

export type Queue = Schemas["QueueView"];

export function QueuesTab() {
  const { t, i18n } = useTranslation("supervisor");
  const { message } = App.useApp();
  const found = useQuery(query("/api/v1/queues"));
  const named = (queue: Queue) => (i18n.language === "en" && queue.name_en) || queue.name;
  const goes = (to: string) => {
    if (NAMED.has(to)) return t(`queues.goes.${to}`);
    const queue = found.data?.items.find(({ code }) => to === `queue:${code}`);
    return queue ? named(queue) : to.replace(/^number:/, "");
  };
  const [edited, setEdited] = useState<Queue | "new" | null>(null);
  const remove = useMutation({
    mutationFn: (code: string) => call(api.DELETE("/api/v1/queues/{code}", { params: { path: { code } } })),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ["/api/v1/queues"] }),
    onError: (error) => void message.error(why(error)),
  });
  return (
    <>
      <div className={styles.toolbar}>
        <h1>{t("queues.title")}</h1>
        <Button type="primary" icon={<PlusOutlined />} onClick={() => setEdited("new")}>
          {t("queues.create")}
        </Button>
      </div>
      <Loaded of={found} empty={(page) => !page.items.length}>
        {(page) => (
          <Table
            size="small"
            pagination={false}
            rowKey="code"
            scroll={{ x: "max-content" }}
            dataSource={page.items}
            columns={[
              {
                title: t("queues.name"),
                render: (_, queue) => (
                  <>
                    <b>{named(queue)}</b> <span className="quiet">{queue.code}</span>
                  </>
                ),
              },
              {
                title: t("queues.state"),
                render: (_, queue) => <Tag color={queue.open ? "success" : "default"}>{t(queue.open ? "queues.open" : "queues.shut")}</Tag>,
              },
              { title: t("queues.skill"), render: (_, queue) => (queue.skill ? `${queue.skill} ≥ ${queue.min_level}` : t("queues.any")) },
              { title: t("queues.priority"), dataIndex: "priority", align: "right" },
              {
                title: t("wallboard.serviceLevel"),
                render: (_, queue) => `${percent(queue.service_level_target)} · ${queue.service_level_seconds} s`,
              },
              { title: t("queues.sticky_seconds"), dataIndex: "sticky_seconds", align: "right" },
              { title: t("queues.closed"), render: (_, queue) => goes(queue.closed?.to ?? "stay") },
              {
                title: t("queues.overflow"),
                render: (_, queue) => queue.overflow?.map((rule, index) => (
                  <Tag key={index}>{`${t(`queues.when.${rule.when}`)} > ${rule.over} → ${goes(rule.to)}`}</Tag>
                )),
              },
              {
                key: "actions",
                render: (_, queue) => (
                  <Space>
                    <Button size="small" onClick={() => setEdited(queue)}>
                      {t("queues.edit")}
                    </Button>
                    <Popconfirm title={t("queues.remove")} onConfirm={() => remove.mutate(queue.code)}>
                      <Button size="small" danger icon={<DeleteOutlined />} aria-label={`${t("common:action.delete")} ${queue.code}`} />
                    </Popconfirm>
                  </Space>
                ),
              },
            ]}
          />
        )}
      </Loaded>
      {edited && <QueueForm queue={edited === "new" ? null : edited} close={() => setEdited(null)} />}
    </>
  );
}
