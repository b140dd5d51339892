// Ending an emergency: outcome, cause, a last sentence. Nothing else ends it.
import { useQuery } from "@tanstack/react-query";
import { Alert, Form, Input, Modal, Select } from "antd";
import { useTranslation } from "react-i18next";

import { query } from "../../../api/client";
import { useKept } from "../kept";
import { inRoom, type Emergency } from "../shapes";
import type { EmergencyActions } from "./actions";

interface Props {
  one: Emergency;
  actions: EmergencyActions;
  onDone: (closed: boolean) => void;
}

interface Values {
  outcome: string;
  cause?: string;
  summary?: string;
}

/** When the codes cannot be read, these can always be chosen. */
const FALLBACK = ["hospital", "home_treated", "helped_at_home", "advised", "refused_help", "false_alarm", "test", "other"];

export function Close({ one, actions, onDone }: Props) {
  const { t, i18n } = useTranslation("desk");
  const [form] = Form.useForm<Values>();
  // The next emergency that rings takes this dialog away, but not what was written in it.
  const kept = useKept<Values>(`close.${one.id}`);
  const codes = useQuery({ ...query("/api/v1/codes/emergencies"), staleTime: Infinity });
  const name = ({ zh, en }: { zh: string; en: string }) => (i18n.language === "en" ? en : zh);
  const options = (all: { code: string; zh: string; en: string }[] | undefined) => all?.map((code) => ({ value: code.code, label: name(code) }));
  const outcomes = (options(codes.data?.outcomes) ?? FALLBACK.map((value) => ({ value, label: t(`outcome.${value}`) }))).filter(
    ({ value }) => value !== "synthetic" && (value !== "drill" || one.drill),
  );
  const submit = async ({ outcome, cause = "", summary = "" }: Values) => {
    if (!(await actions.close(outcome, cause, summary))) return;
    kept.forget();
    onDone(true);
  };
  const others = one.legs.filter((leg) => inRoom(leg) && leg.role !== "seat").length;
  return (
    <Modal
      open
      title={t("close.title", { name: one.elder_name || one.caller })}
      okText={t("close.submit")}
      cancelText={t("cancel")}
      okButtonProps={{ danger: true, style: { background: "var(--emergency)", color: "var(--emergency-ink)" }, loading: actions.busy.has("close") }}
      onOk={() => form.submit()}
      onCancel={() => onDone(false)}
      keyboard
    >
      <Form name="close" form={form} layout="vertical" onFinish={(values) => void submit(values)} initialValues={{ ...(one.drill ? { outcome: "drill" } : {}), ...kept.typed }} onValuesChange={(_, all) => kept.keep(all)}>
        {others > 0 && <Alert type="warning" showIcon title={t("close.stillOn", { count: others })} style={{ marginBottom: 12 }} />}
        <Form.Item name="outcome" label={t("close.outcome")} rules={[{ required: true, message: t("close.needed") }]}>
          <Select showSearch={{ optionFilterProp: "label" }} autoFocus options={outcomes} listHeight={320} />
        </Form.Item>
        <Form.Item name="cause" label={t("close.cause")}>
          <Select allowClear showSearch={{ optionFilterProp: "label" }} options={options(codes.data?.causes) ?? []} />
        </Form.Item>
        <Form.Item name="summary" label={t("close.summary")} extra={t("close.hint")}>
          <Input.TextArea rows={3} maxLength={2000} />
        </Form.Item>
      </Form>
    </Modal>
  );
}
