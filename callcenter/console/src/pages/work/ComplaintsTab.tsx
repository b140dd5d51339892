// Complaints: by when they must be answered, what was done, and the next step (C8).
import { App, Button, Input, Segmented, Space, Tag } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call, type Schemas } from "../../api/client";
import { usePages } from "../../api/pages";
import { MoreTable } from "../../ui/MoreTable";
import { moment } from "../../ui/time";
import { useSaved } from "../../ui/useSaved";
import styles from "../../ui/list.module.css";

type Complaint = Schemas["Complaint"];
const STATES = ["open", "overdue", "closed"] as const;

export function ComplaintsTab() {
  const { t } = useTranslation("work");
  const { modal } = App.useApp();
  const [state, setState] = useState<(typeof STATES)[number]>("open");
  const found = usePages("/api/v1/complaints", { state });
  const act = useSaved("/api/v1/", ({ of, act: what, text }: { of: Complaint; act: Schemas["Act"]; text: string }) =>
    call(
      api.POST("/api/v1/complaints/{id}/{act}", {
        params: { path: { id: of.id, act: what }, header: { "If-Match": `"${of.version}"` } },
        body: { text },
      }),
    ),
  );
  const ask = (of: Complaint, what: Schemas["Act"]) => {
    let text = "";
    void modal.confirm({
      title: t(`acts.${what}`),
      content: <Input.TextArea autoFocus aria-label={t("text")} placeholder={t("text")} onChange={(event) => (text = event.target.value)} />,
      onOk: () => act.mutateAsync({ of, act: what, text }),
    });
  };
  return (
    <>
      <div className={styles.toolbar}>
        <Segmented value={state} onChange={setState} options={STATES.map((value) => ({ value, label: t(`complaint.${value}`) }))} />
      </div>
      <MoreTable
        of={found}
        rowKey="id"
        expandable={{
          expandedRowRender: (one) => (
            <ul>
              {one.actions.map((each) => (
                <li key={each.id}>
                  {moment(each.at)} {each.actor}: {t(`acts.${each.act}`)} {each.text}
                </li>
              ))}
            </ul>
          ),
        }}
        columns={[
          { title: t("state"), render: (_, one) => <Tag color={one.overdue ? "error" : "default"}>{t(`complaint.${one.state}`)}</Tag> },
          { title: t("about"), render: (_, one) => [one.about, one.organisation].filter(Boolean).join(" · ") },
          { title: t("text"), dataIndex: "text", ellipsis: true, width: 340 },
          { title: t("respondBy"), render: (_, one) => <span className={one.late_response ? "bad tabular" : "tabular"}>{moment(one.respond_by)}</span> },
          { title: t("due"), render: (_, one) => <span className={one.overdue ? "bad tabular" : "tabular"}>{moment(one.due_at)}</span> },
          {
            key: "actions",
            render: (_, one) => (
              <Space>
                {one.next.map((what) => (
                  <Button key={what} size="small" onClick={() => ask(one, what)}>
                    {t(`acts.${what}`)}
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
