// A draft of a menu as a form: nodes, what is said in each, and where each key leads.
import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import { App, Button, Card, Drawer, Form, Input, InputNumber, Select, Space, type FormRule } from "antd";
import { useTranslation } from "react-i18next";

import { api, call, query } from "../../../api/client";
import { queries } from "../../../live/queries";
import { why } from "../../../ui/why";
import styles from "../supervisor.module.css";
import { ActionFields } from "./ActionFields";
import { asForm, asMenu, type MenuForm } from "./form";
import type { Menu } from "./MenusTab";

const NAME = /^[a-z][a-z0-9-]{0,31}$/;
const KEYS = [..."1234567890*"];

/** Of two that are called alike the API would keep one. */
const once = (list: string | (string | number)[], name: string, message: string): FormRule => ({ getFieldValue }) => ({
  validator: (_: unknown, value: unknown) => {
    const all = getFieldValue(list) as Record<string, unknown>[];
    return all.filter((one) => one?.[name] === value).length > 1 ? Promise.reject(new Error(message)) : Promise.resolve();
  },
});

export function MenuEditor({ menu, close }: { menu: Menu; close: () => void }) {
  const { t } = useTranslation("supervisor");
  const { message } = App.useApp();
  const [form] = Form.useForm<MenuForm>();
  const prompts = useQuery(query("/api/v1/prompts")).data?.items ?? [];
  const heard = prompts.map(({ name, text }) => ({ value: name, label: text ? `${name} · ${text}` : name }));
  const save = useMutation({
    mutationFn: (values: MenuForm) =>
      call(api.PUT("/api/v1/menus/{id}", { params: { path: { id: menu.id }, header: { "If-Match": `"${menu.revision}"` } }, body: asMenu(values) })),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["/api/v1/menus"] });
      close();
    },
    onError: (error) => void message.error(why(error)),
  });
  return (
    <Drawer
      open
      size={900}
      title={`${menu.name} · ${t("queues.version")} ${menu.version}`}
      onClose={close}
      extra={
        <Button type="primary" loading={save.isPending} onClick={() => form.submit()}>
          {t("queues.save")}
        </Button>
      }
    >
      <Form form={form} layout="vertical" scrollToFirstError={{ focus: true, block: "center" }} initialValues={asForm(menu)} onFinish={(values) => save.mutate(values)}>
        <Space>
          <Form.Item name="name" label={t("queues.name")} rules={[{ required: true }]}>
            <Input maxLength={60} />
          </Form.Item>
          <Form.Item name="root" label={t("queues.root")} rules={[{ required: true, pattern: NAME, message: t("queues.nodeHelp") }]}>
            <Input />
          </Form.Item>
        </Space>
        <Form.List name="nodes">
          {(nodes, { add, remove }) => (
            <Space orientation="vertical" style={{ width: "100%" }}>
              {nodes.map(({ key, name: node }) => (
                <Card
                  key={key}
                  size="small"
                  title={
                    <Form.Item
                      name={[node, "name"]}
                      style={{ margin: "6px 0" }}
                      rules={[{ required: true, pattern: NAME, message: t("queues.nodeHelp") }, once("nodes", "name", t("queues.nodeTwice"))]}
                    >
                      <Input aria-label={t("queues.node")} addonBefore={t("queues.node")} style={{ maxWidth: 320 }} />
                    </Form.Item>
                  }
                  extra={<Button type="text" danger icon={<DeleteOutlined />} aria-label={t("common:action.delete")} onClick={() => remove(node)} />}
                >
                  <div className={styles.grid}>
                    <Form.Item name={[node, "prompts"]} label={t("queues.prompt")}>
                      <Select mode="multiple" options={heard} />
                    </Form.Item>
                    <Form.Item name={[node, "again"]} label={t("queues.again")}>
                      <Select mode="multiple" options={heard} />
                    </Form.Item>
                    <Form.Item name={[node, "timeout_seconds"]} label={t("queues.timeout_seconds")}>
                      <InputNumber min={1} max={30} />
                    </Form.Item>
                    <Form.Item name={[node, "tries"]} label={t("queues.tries")}>
                      <InputNumber min={1} max={5} />
                    </Form.Item>
                  </div>
                  <Form.List name={[node, "choices"]}>
                    {(choices, list) => (
                      <>
                        {choices.map((choice) => (
                          <div key={choice.key} className={styles.action}>
                            <Form.Item name={[choice.name, "key"]} messageVariables={{ label: t("queues.key") }} rules={[{ required: true }, once(["nodes", node, "choices"], "key", t("queues.keyTwice"))]}>
                              <Select aria-label={t("queues.key")} style={{ width: 70 }} options={KEYS.map((value) => ({ value }))} />
                            </Form.Item>
                            <ActionFields at={[choice.name]} path={["nodes", node, "choices", choice.name]} />
                            <Button type="text" icon={<DeleteOutlined />} aria-label={t("common:action.delete")} onClick={() => list.remove(choice.name)} />
                          </div>
                        ))}
                        <Button size="small" icon={<PlusOutlined />} onClick={() => list.add({ do: "queue", to: "" })}>
                          {t("queues.key")}
                        </Button>
                      </>
                    )}
                  </Form.List>
                  <div className={styles.action} style={{ marginTop: 14 }}>
                    <b>{t("queues.otherwise")}</b>
                    <ActionFields at={[node, "otherwise"]} path={["nodes", node, "otherwise"]} />
                  </div>
                </Card>
              ))}
              <Button icon={<PlusOutlined />} onClick={() => add({ name: "", prompts: [], again: [], choices: [], otherwise: { do: "queue", to: "" }, timeout_seconds: 5, tries: 3 })}>
                {t("queues.addNode")}
              </Button>
            </Space>
          )}
        </Form.List>
      </Form>
    </Drawer>
  );
}
