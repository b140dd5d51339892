// An elder's file: who, where, how to get in, what 120 must know, and whom to call.
import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Drawer, Form, Input, InputNumber, Popconfirm, Select, Space, Switch } from "antd";
import { useTranslation } from "react-i18next";

import { api, call, type Schemas } from "../../api/client";
import { may } from "../../api/session";
import styles from "./admin.module.css";
import type { Elder } from "./EldersTab";
import { useSaved } from "../../ui/useSaved";

type Input_ = Schemas["ElderPatch"];
export const CONTACT_ROLES = ["family", "doctor", "social_worker", "community", "guardian", "group_leader", "village_cadre"] as const;
const TEXTS = ["code", "area", "address", "door_code", "key_holder_name", "key_holder_phone", "id_number", "birth_date"] as const;

export function ElderForm({ elder, close }: { elder: Elder | null; close: () => void }) {
  const { t } = useTranslation("admin");
  const [form] = Form.useForm<Input_>();
  const save = useSaved(
    "/api/v1/elders",
    (values: Input_) => {
      // A code is never taken away: left empty it stays as it is, or is made.
      const body = { ...withoutEmpty(values), code: (values.code || elder?.code) as string };
      return call(
        elder
          ? api.PATCH("/api/v1/elders/{id}", {
              params: { path: { id: elder.id }, header: { "If-Match": `"${elder.version}"` } },
              body: form.isFieldTouched("id_number") ? body : { ...body, id_number: undefined },
            })
          : api.POST("/api/v1/elders", { body: body as Schemas["callcenter__people__schemas__ElderInput"] }),
      );
    },
    close,
  );
  const remove = useSaved(
    "/api/v1/elders",
    (of: Elder) => call(api.DELETE("/api/v1/elders/{id}", { params: { path: { id: of.id }, header: { "If-Match": `"${of.version}"` } } })),
    close,
  );
  return (
    <Drawer
      open
      size={820}
      title={elder ? elder.name : t("elder.new")}
      onClose={close}
      extra={
        may("elders:write") && (
          <Space>
            {elder && (
              <Popconfirm title={t("elder.remove", { name: elder.name })} onConfirm={() => remove.mutate(elder)}>
                <Button danger loading={remove.isPending}>
                  {t("common:action.delete")}
                </Button>
              </Popconfirm>
            )}
            <Button type="primary" loading={save.isPending} onClick={() => form.submit()}>
              {t("common:action.save")}
            </Button>
          </Space>
        )
      }
    >
      <Form form={form} layout="vertical" scrollToFirstError={{ focus: true, block: "center" }} disabled={!may("elders:write")} initialValues={elder ?? { active: true, phones: [], contacts: [], groups: [] }} onFinish={(values) => save.mutate(values)}>
        <div className={styles.grid}>
          <Form.Item name="name" label={t("field.name")} rules={[{ required: true, max: 60 }]}>
            <Input />
          </Form.Item>
          <Form.Item name="sex" label={t("field.sex")}>
            <Select allowClear options={["female", "male"].map((value) => ({ value, label: t(`sex.${value}`) }))} />
          </Form.Item>
          {TEXTS.map((name) => (
            <Form.Item key={name} name={name} label={t(`field.${name}`)} rules={name === "birth_date" ? [{ pattern: /^\d{4}-\d{2}-\d{2}$/, message: t("elder.dayHelp") }] : undefined}>
              <Input placeholder={name === "birth_date" ? "1941-03-12" : undefined} />
            </Form.Item>
          ))}
          <Form.Item name="latitude" label={t("field.latitude")}>
            <InputNumber min={-90} max={90} step={0.0001} style={{ width: "100%" }} />
          </Form.Item>
          <Form.Item name="longitude" label={t("field.longitude")}>
            <InputNumber min={-180} max={180} step={0.0001} style={{ width: "100%" }} />
          </Form.Item>
          <Form.Item name="active" label={t("field.active")} valuePropName="checked">
            <Switch />
          </Form.Item>
        </div>
        <Form.Item name="phones" label={t("field.phones")}>
          <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[",", "，", " "]} />
        </Form.Item>
        <Form.Item name="groups" label={t("field.groups")}>
          <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[",", "，", " "]} />
        </Form.Item>
        <Form.Item name="medical_notes" label={t("field.medical_notes")}>
          <Input.TextArea autoSize={{ minRows: 2, maxRows: 8 }} maxLength={4000} />
        </Form.Item>
        <h2 className={styles.heading}>{t("field.contacts")}</h2>
        <Form.List name="contacts">
          {(fields, { add, remove }) => (
            <>
              {fields.map(({ key, name }) => (
                <div key={key} className={styles.row}>
                  <Form.Item name={[name, "role"]} messageVariables={{ label: t("field.role") }} rules={[{ required: true }]}>
                    <Select aria-label={t("field.role")} options={CONTACT_ROLES.map((value) => ({ value, label: t(`contact.${value}`) }))} />
                  </Form.Item>
                  <Form.Item name={[name, "name"]} messageVariables={{ label: t("field.name") }} rules={[{ required: true, max: 60 }]}>
                    <Input aria-label={t("field.name")} placeholder={t("field.name")} />
                  </Form.Item>
                  <Form.Item name={[name, "phone"]} messageVariables={{ label: t("field.phone") }} rules={[{ required: true }]}>
                    <Input aria-label={t("field.phone")} placeholder={t("field.phone")} />
                  </Form.Item>
                  <Button type="text" icon={<DeleteOutlined />} aria-label={t("common:action.delete")} onClick={() => remove(name)} />
                </div>
              ))}
              <Button icon={<PlusOutlined />} onClick={() => add({ role: "family", name: "", phone: "" })}>
                {t("elder.addContact")}
              </Button>
            </>
          )}
        </Form.List>
      </Form>
    </Drawer>
  );
}

/** An empty field means: nothing is known. */
function withoutEmpty(values: Input_): Input_ {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === "" || value === undefined ? null : value])) as Input_;
}
