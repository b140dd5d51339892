// Follow-up calls, due within 24 h of a service's end (C7): what the elder says of it, or why she was not reached.
import { Button, Form, Input, Modal, Rate, Segmented, Select, Space, Switch, Tag } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call, type Schemas } from "../../api/client";
import { usePages } from "../../api/pages";
import { MoreTable } from "../../ui/MoreTable";
import { moment } from "../../ui/time";
import { useSaved } from "../../ui/useSaved";
import styles from "../../ui/list.module.css";

type FollowUp = Schemas["FollowUp"];
const STATES = ["due", "overdue", "in_progress", "done"] as const;
const ATTEMPTS = ["no_answer", "busy", "refused", "call_later", "wrong_number"] as const;

export function FollowUpsTab() {
  const { t } = useTranslation("work");
  const [state, setState] = useState<(typeof STATES)[number]>("due");
  const found = usePages("/api/v1/follow-ups", { state });
  const [closing, setClosing] = useState<FollowUp | null>(null);
  const attempt = useSaved("/api/v1/follow-ups", ({ id, outcome }: { id: string; outcome: (typeof ATTEMPTS)[number] }) =>
    call(api.POST("/api/v1/follow-ups/{id}/attempts", { params: { path: { id } }, body: { outcome, note: "" } })),
  );
  return (
    <>
      <div className={styles.toolbar}>
        <Segmented value={state} onChange={setState} options={STATES.map((value) => ({ value, label: t(`followUp.${value}`) }))} />
      </div>
      <MoreTable
        of={found}
        rowKey="id"
        columns={[
          { title: t("due"), render: (_, one) => <span className={one.overdue ? "bad tabular" : "tabular"}>{moment(one.due_at)}</span> },
          { title: t("state"), render: (_, one) => <Tag color={one.overdue ? "error" : "default"}>{t(`followUp.${one.state}`)}</Tag> },
          { title: t("attempts"), render: (_, one) => one.attempts.map((each) => t(`attempt.${each.outcome}`)).join("，") },
          { title: t("rating"), render: (_, one) => one.rating && <Rate disabled value={one.rating} /> },
          { title: t("text"), dataIndex: "result", ellipsis: true, width: 260 },
          {
            key: "actions",
            render: (_, one) =>
              (one.state === "due" || one.state === "in_progress") && (
                <Space>
                  <Button size="small" type="primary" onClick={() => setClosing(one)}>
                    {t("complete")}
                  </Button>
                  <Select
                    size="small"
                    style={{ width: 130 }}
                    placeholder={t("notReached")}
                    aria-label={t("notReached")}
                    value={null}
                    onChange={(outcome) => outcome && attempt.mutate({ id: one.id, outcome })}
                    options={ATTEMPTS.map((value) => ({ value, label: t(`attempt.${value}`) }))}
                  />
                </Space>
              ),
          },
        ]}
      />
      {closing && <CompletionForm of={closing} close={() => setClosing(null)} />}
    </>
  );
}

function CompletionForm({ of, close }: { of: FollowUp; close: () => void }) {
  const { t } = useTranslation("work");
  const [form] = Form.useForm<Schemas["CompletionInput"]>();
  const save = useSaved(
    "/api/v1/",
    (body: Schemas["CompletionInput"]) =>
      call(api.POST("/api/v1/follow-ups/{id}/complete", { params: { path: { id: of.id }, header: { "If-Match": `"${of.version}"` } }, body })),
    close,
  );
  return (
    <Modal open title={t("complete")} onCancel={close} onOk={() => form.submit()} confirmLoading={save.isPending}>
      <Form form={form} layout="vertical" initialValues={{ suspected_complaint: false, wishes: "", result: "" }} onFinish={(values) => save.mutate(values)}>
        <Form.Item name="rating" label={t("rating")} rules={[{ required: true }]}>
          <Rate />
        </Form.Item>
        <Form.Item name="wishes" label={t("wishes")}>
          <Input.TextArea autoSize={{ minRows: 2 }} maxLength={2000} />
        </Form.Item>
        <Form.Item name="result" label={t("text")}>
          <Input.TextArea autoSize={{ minRows: 2 }} maxLength={2000} />
        </Form.Item>
        <Form.Item name="suspected_complaint" label={t("suspected")} valuePropName="checked">
          <Switch />
        </Form.Item>
      </Form>
    </Modal>
  );
}
