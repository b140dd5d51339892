// Where a key leads: what is done, and to which node, queue, prompt or number.
import { Form, Input, Select } from "antd";
import { useTranslation } from "react-i18next";

const ACTIONS = ["node", "queue", "emergency", "voicemail", "callback", "message", "number"] as const;

export function ActionFields({ at }: { at: (string | number)[] }) {
  const { t } = useTranslation("supervisor");
  return (
    <>
      <Form.Item name={[...at, "do"]} rules={[{ required: true }]}>
        <Select aria-label={t("queues.do")} style={{ width: 150 }} options={ACTIONS.map((value) => ({ value, label: t(`queues.doo.${value}`) }))} />
      </Form.Item>
      <Form.Item name={[...at, "to"]} rules={[{ pattern: /^[0-9A-Za-z+-]{0,40}$/ }]}>
        <Input aria-label={t("queues.to")} placeholder={t("queues.to")} style={{ width: 160 }} />
      </Form.Item>
    </>
  );
}
