// A queue's settings as a form.
import { MinusCircleOutlined, PlusOutlined } from "@ant-design/icons";
import { useMutation } from "@tanstack/react-query";
import { App, Button, Drawer, Form, Input, InputNumber, Select, Space, Switch } from "antd";
import { useTranslation } from "react-i18next";

import { api, call, type Schemas } from "../../api/client";
import { queries } from "../../live/queries";
import { why } from "../../ui/why";
import type { Queue } from "./QueuesTab";
import styles from "./supervisor.module.css";

type Values = Schemas["QueueInput"];
const NUMBERS = [
  ["min_level", 1, 5], ["priority", 0, 9], ["service_level_seconds", 1, 3600], ["service_level_target", 0.01, 1],
  ["ring_seconds", 5, 120], ["wrap_up_seconds", 0, 600], ["sticky_seconds", 0, 600], ["ageing_seconds", 0, 86400],
  ["max_length", 0, 10000],
] as const; // prettier-ignore
const TIME = { pattern: /^([01]\d|2[0-3]):[0-5]\d$/ };
const WHERE = { pattern: /^(stay|voicemail|callback|queue:[a-z][a-z0-9-]{0,39}|number:\+?\d{3,15})$/ };

export function QueueForm({ queue, close }: { queue: Queue | null; close: () => void }) {
  const { t } = useTranslation("supervisor");
  const { message } = App.useApp();
  const [form] = Form.useForm<Values>();
  const save = useMutation({
    mutationFn: ({ code, ...settings }: Values) =>
      call(
        queue
          ? api.PUT("/api/v1/queues/{code}", {
              params: { path: { code: queue.code }, header: { "If-Match": `"${queue.version}"` } },
              body: settings,
            })
          : api.POST("/api/v1/queues", { body: { code, ...settings } }),
      ),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["/api/v1/queues"] });
      close();
    },
    onError: (error) => void message.error(why(error)),
  });
  return (
    <Drawer
      open
      size={640}
      title={queue ? `${t("queues.edit")} · ${queue.code}` : t("queues.create")}
      onClose={close}
      extra={
        <Button type="primary" loading={save.isPending} onClick={() => form.submit()}>
          {t("common:action.save")}
        </Button>
      }
    >
      <Form form={form} layout="vertical" scrollToFirstError={{ focus: true, block: "center" }} initialValues={queue ?? NEW} onFinish={(values) => save.mutate(values)}>
        <div className={styles.grid}>
          {!queue && (
            <Form.Item name="code" label={t("queues.code")} rules={[{ required: true, pattern: /^[a-z][a-z0-9-]{0,39}$/, message: t("queues.codeHelp") }]}>
              <Input />
            </Form.Item>
          )}
          <Form.Item name="name" label={t("queues.name")} rules={[{ required: true }]}>
            <Input maxLength={60} />
          </Form.Item>
          <Form.Item name="name_en" label={t("queues.name_en")}>
            <Input maxLength={60} />
          </Form.Item>
          <Form.Item name="skill" label={t("queues.skill")}>
            <Input maxLength={40} placeholder={t("queues.any")} />
          </Form.Item>
          {NUMBERS.map(([name, min, max]) => (
            <Form.Item key={name} name={name} label={t(`queues.${name}`)}>
              <InputNumber placeholder={t("queues.default")} min={min} max={max} step={max === 1 ? 0.05 : 1} style={{ width: "100%" }} />
            </Form.Item>
          ))}
          {(["area_first", "announce_position", "announce_wait"] as const).map((name) => (
            <Form.Item key={name} name={name} label={t(`queues.${name}`)} valuePropName="checked">
              <Switch />
            </Form.Item>
          ))}
        </div>
        <h2 className={styles.heading}>{t("queues.hours")}</h2>
        <Form.List name="hours">
          {(fields, { add, remove }) => (
            <>
              {!fields.length && <p className="quiet">{t("queues.always")}</p>}
              {fields.map(({ key, name }) => (
                <Space key={key} align="baseline">
                  <Form.Item name={[name, "days"]} messageVariables={{ label: t("queues.hours") }} rules={[{ required: true }]}>
                    <Select mode="multiple" style={{ width: 300 }} aria-label={t("queues.hours")} options={DAYS.map((day) => ({ value: day, label: t(`queues.day.${day}`) }))} />
                  </Form.Item>
                  <Form.Item name={[name, "from"]} rules={[{ required: true, ...TIME, message: t("queues.timeHelp") }]}>
                    <Input style={{ width: 80 }} placeholder="08:30" aria-label={t("queues.fromTime")} />
                  </Form.Item>
                  <Form.Item name={[name, "to"]} rules={[{ required: true, ...TIME, message: t("queues.timeHelp") }]}>
                    <Input style={{ width: 80 }} placeholder="17:30" aria-label={t("queues.toTime")} />
                  </Form.Item>
                  <Button type="text" aria-label={t("common:action.delete")} icon={<MinusCircleOutlined />} onClick={() => remove(name)} />
                </Space>
              ))}
              <Button icon={<PlusOutlined />} onClick={() => add({ days: [1, 2, 3, 4, 5], from: "08:30", to: "17:30" })}>
                {t("queues.addHours")}
              </Button>
            </>
          )}
        </Form.List>
        <div className={styles.grid} style={{ marginTop: 14 }}>
          <Form.Item name="holidays" label={t("queues.holidays")}>
            <Select options={["hours", "closed", "open"].map((value) => ({ value, label: t(`queues.holiday.${value}`) }))} />
          </Form.Item>
          <Form.Item name={["closed", "to"]} label={t("queues.closed")} extra={t("queues.closedHelp")} rules={[{ ...WHERE, message: t("queues.closedHelp") }]}>
            <Input />
          </Form.Item>
        </div>
        <h2 className={styles.heading}>{t("queues.overflow")}</h2>
        <Form.List name="overflow">
          {(fields, { add, remove }) => (
            <>
              {fields.map(({ key, name }) => (
                <Space key={key} align="baseline">
                  <Form.Item name={[name, "when"]} messageVariables={{ label: t("queues.overflow") }} rules={[{ required: true }]}>
                    <Select style={{ width: 170 }} aria-label={t("queues.overflow")} options={["wait", "length", "expected_wait"].map((value) => ({ value, label: t(`queues.when.${value}`) }))} />
                  </Form.Item>
                  <Form.Item name={[name, "over"]} messageVariables={{ label: t("queues.over") }} rules={[{ required: true }]}>
                    <InputNumber min={0} max={86400} prefix=">" aria-label={t("queues.over")} />
                  </Form.Item>
                  <Form.Item name={[name, "to"]} rules={[{ required: true, ...WHERE, message: t("queues.closedHelp") }]}>
                    <Input placeholder="voicemail" aria-label={t("queues.where")} />
                  </Form.Item>
                  <Button type="text" aria-label={t("common:action.delete")} icon={<MinusCircleOutlined />} onClick={() => remove(name)} />
                </Space>
              ))}
              <Button icon={<PlusOutlined />} onClick={() => add({ when: "wait", over: 120, to: "voicemail" })}>
                {t("queues.addOverflow")}
              </Button>
            </>
          )}
        </Form.List>
      </Form>
    </Drawer>
  );
}

const DAYS = [1, 2, 3, 4, 5, 6, 7];
const NEW = {
  min_level: 1, priority: 0, service_level_seconds: 20, service_level_target: 0.8, sticky_seconds: 0, ageing_seconds: 60,
  max_length: 0, announce_position: true, announce_wait: false, area_first: false, holidays: "hours", closed: { to: "stay" },
  hours: [], overflow: [],
} as const; // prettier-ignore
