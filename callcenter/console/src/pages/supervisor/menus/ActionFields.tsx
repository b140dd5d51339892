// Where a key leads: what is done, and to which node, queue, prompt or number where one has to be named.
import { Form, Input, Select } from "antd";
import { useTranslation } from "react-i18next";

import { NAMED } from "./form";
import styles from "../supervisor.module.css";

const ACTIONS = ["node", "queue", "emergency", "voicemail", "callback", "message", "number"] as const;

/** `at`: its name within the list it is in; `path`: within the whole form. */
export function ActionFields({ at, path }: { at: (string | number)[]; path: (string | number)[] }) {
  const { t } = useTranslation("supervisor");
  const done: (typeof ACTIONS)[number] | undefined = Form.useWatch([...path, "do"]);
  return (
    <div className={styles.action}>
      <Form.Item name={[...at, "do"]} messageVariables={{ label: t("queues.do") }} rules={[{ required: true }]}>
        <Select aria-label={t("queues.do")} style={{ width: 160 }} options={ACTIONS.map((value) => ({ value, label: t(`queues.doo.${value}`) }))} />
      </Form.Item>
      <Form.Item hidden={!done || !NAMED.has(done)} name={[...at, "to"]} rules={[{ pattern: /^[0-9A-Za-z+-]{0,40}$/, message: t("queues.toHelp") }]}>
        <Input aria-label={t("queues.to")} placeholder={done === "queue" ? "general" : t("queues.to")} style={{ width: 200 }} />
      </Form.Item>
    </div>
  );
}
