// What a request became: an answer on the spot, an order, a complaint, a follow-up or a call-back (B5).
import { Form, Input, Modal, Radio, Select } from "antd";
import { useTranslation } from "react-i18next";

import { api, call, type Schemas } from "../../api/client";
import { useSaved } from "../../ui/useSaved";
import type { IntakeItem } from "./IntakeTab";

type Values = Schemas["OutcomeInput"];
const OUTCOMES = ["answer", "work_order", "complaint", "follow_up", "callback", "none"] as const;

export function OutcomeForm({ item, close }: { item: IntakeItem; close: () => void }) {
  const { t } = useTranslation("work");
  const [form] = Form.useForm<Values>();
  const outcome = Form.useWatch("outcome", form);
  const save = useSaved(
    "/api/v1/",
    (values: Values) =>
      call(
        api.POST("/api/v1/intake/{id}/outcome", {
          params: { path: { id: item.id }, header: { "If-Match": `"${item.version}"` } },
          body: { ...values, elder_id: item.elder_id },
        }),
      ),
    close,
  );
  return (
    <Modal open title={t("settle")} onCancel={close} onOk={() => form.submit()} confirmLoading={save.isPending} width={640}>
      <p style={{ whiteSpace: "pre-wrap" }}>{item.text}</p>
      <Form form={form} layout="vertical" initialValues={{ outcome: "answer", text: "", number: item.caller || undefined, priority: "normal" }} onFinish={(values) => save.mutate(values)}>
        <Form.Item name="outcome" label={t("outcome")}>
          <Radio.Group optionType="button" options={OUTCOMES.map((value) => ({ value, label: t(`outcomes.${value}`) }))} />
        </Form.Item>
        <Form.Item name="text" label={t("text")} rules={[{ required: outcome === "answer" }]}>
          <Input.TextArea autoSize={{ minRows: 3, maxRows: 8 }} maxLength={4000} />
        </Form.Item>
        {outcome === "work_order" && (
          <Form.Item name="priority" label={t("priority")}>
            <Select options={["normal", "high", "urgent"].map((value) => ({ value, label: t(`priorities.${value}`) }))} />
          </Form.Item>
        )}
        {outcome === "complaint" && (
          <Form.Item name="about" label={t("about")}>
            <Input maxLength={200} />
          </Form.Item>
        )}
        {outcome === "callback" && (
          <Form.Item name="number" label={t("number")} rules={[{ required: true }]}>
            <Input />
          </Form.Item>
        )}
      </Form>
    </Modal>
  );
}
