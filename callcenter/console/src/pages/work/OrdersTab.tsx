// Work orders: where each stands, and the next step it may take (C1–C7).
import { App, Button, Input, Select, Space, Tag } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call, type Schemas } from "../../api/client";
import { usePages } from "../../api/pages";
import { MoreTable } from "../../ui/MoreTable";
import { moment } from "../../ui/time";
import { useSaved } from "../../ui/useSaved";
import styles from "../../ui/list.module.css";

type Order = Schemas["WorkOrder"];
type State = Order["state"];
const STATES: State[] = ["intake", "audited", "dispatched", "done", "followed_up", "closed", "returned", "void"];
const WANT_REASON = new Set<State>(["returned", "void"]);

export function OrdersTab() {
  const { t } = useTranslation("work");
  const { modal } = App.useApp();
  const [state, setState] = useState<State | undefined>("intake");
  const found = usePages("/api/v1/work-orders", state ? { state } : {});
  const move = useSaved("/api/v1/", ({ order, to, reason }: { order: Order; to: State; reason: string }) =>
    call(
      api.POST("/api/v1/work-orders/{id}/transitions", {
        params: { path: { id: order.id }, header: { "If-Match": `"${order.version}"` } },
        body: { to, reason },
      }),
    ),
  );
  const ask = (order: Order, to: State) => {
    // Steps back or away are said with a reason, which stays in the order's history.
    if (!WANT_REASON.has(to) && !(order.state !== "audited" && to === "dispatched")) return move.mutate({ order, to, reason: "" });
    let reason = "";
    void modal.confirm({
      title: `${order.number} → ${t(`order.${to}`)}`,
      content: <Input.TextArea autoFocus aria-label={t("reason")} placeholder={t("reason")} onChange={(event) => (reason = event.target.value)} />,
      onOk: () => move.mutateAsync({ order, to, reason }),
    });
  };
  return (
    <>
      <div className={styles.toolbar}>
        <Select allowClear style={{ width: 160 }} aria-label={t("state")} value={state} onChange={setState} options={STATES.map((value) => ({ value, label: t(`order.${value}`) }))} />
      </div>
      <MoreTable
        of={found}
        rowKey="id"
        columns={[
          { title: t("orderNumber"), dataIndex: "number", className: "tabular" },
          { title: t("state"), render: (_, order) => <Tag>{t(`order.${order.state}`)}</Tag> },
          { title: t("priority"), render: (_, order) => <span className={order.priority === "normal" ? "" : "bad"}>{t(`priorities.${order.priority}`)}</span> },
          { title: t("text"), dataIndex: "summary", ellipsis: true, width: 360 },
          { title: t("due"), render: (_, order) => order.due_at && moment(order.due_at) },
          { title: t("at"), render: (_, order) => moment(order.created_at) },
          {
            key: "actions",
            render: (_, order) => (
              <Space>
                {order.next.map((to) => (
                  <Button key={to} size="small" danger={to === "void"} onClick={() => ask(order, to)}>
                    {t(`orderTo.${to}`)}
                  </Button>
                ))}
              </Space>
            ),
          },
        ]}
      />
    </>
  );
}
