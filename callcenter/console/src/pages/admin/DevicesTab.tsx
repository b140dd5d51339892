// Pendants, terminals and monitors: whose they are, and what state they are in (F1, F2).
import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, Form, Input, Modal, Popconfirm, Select, Space, Tag } from "antd";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call, query, type Schemas } from "../../api/client";
import { usePages } from "../../api/pages";
import { may } from "../../api/session";
import { MoreTable } from "../../ui/MoreTable";
import { moment } from "../../ui/time";
import styles from "./admin.module.css";
import { useSaved } from "../../ui/useSaved";

type Device = Schemas["Device"];
type State = Device["state"];
const NEXT: Record<State, State[]> = {
  out_of_service: ["on_test"],
  on_test: ["in_service", "faulty", "out_of_service"],
  in_service: ["on_test", "faulty", "out_of_service"],
  faulty: ["on_test", "out_of_service"],
};
const TEST_MINUTES = 30;
const KINDS: Schemas["DeviceKind"][] = ["pendant", "terminal", "mobile_terminal", "smoke_detector", "fall_detector", "health_monitor", "door_sensor"];
const COLOURS: Record<State, string> = { in_service: "success", on_test: "processing", faulty: "error", out_of_service: "default" };

export function DevicesTab() {
  const { t } = useTranslation("admin");
  const [state, setState] = useState<State | undefined>();
  const devices = usePages("/api/v1/devices", state ? { state } : {});
  const [edited, setEdited] = useState<Device | "new" | null>(null);
  const remove = useSaved("/api/v1/devices", ({ id, version }: Device) =>
    call(api.DELETE("/api/v1/devices/{id}", { params: { path: { id }, header: { "If-Match": `"${version}"` } } })),
  );
  const move = useSaved("/api/v1/devices", ({ id, to }: { id: string; to: State }) =>
    call(api.PUT("/api/v1/devices/{id}/state", { params: { path: { id } }, body: { state: to, test_minutes: TEST_MINUTES } })),
  );
  return (
    <>
      <div className={styles.toolbar}>
        <Select allowClear style={{ width: 180 }} aria-label={t("field.state")} placeholder={t("field.state")} value={state} onChange={setState} options={Object.keys(NEXT).map((value) => ({ value: value as State, label: t(`device.${value}`) }))} />
        <span style={{ flex: 1 }} />
        {may("devices:write") && (
          <Button type="primary" icon={<PlusOutlined />} onClick={() => setEdited("new")}>
            {t("device.new")}
          </Button>
        )}
      </div>
      <MoreTable
        of={devices}
        rowKey="id"
        columns={[
          { title: t("field.serial"), dataIndex: "serial" },
          { title: t("field.kind"), render: (_, device) => t(`deviceKind.${device.kind}`, device.kind) },
          { title: t("field.number"), dataIndex: "number", className: "tabular" },
          { title: t("field.state"), render: (_, device) => <Tag color={COLOURS[device.state]}>{t(`device.${device.state}`)}</Tag> },
          { title: t("field.updated_at"), render: (_, device) => moment(device.updated_at) },
          {
            title: t("device.to"),
            key: "states",
            render: (_, device) =>
              may("devices:write") && (
                <Space>
                  {NEXT[device.state].map((to) => (
                    <Button key={to} size="small" onClick={() => move.mutate({ id: device.id, to })}>
                      {t(`device.${to}`)}
                    </Button>
                  ))}
                </Space>
              ),
          },
          {
            key: "actions",
            render: (_, device) =>
              may("devices:write") && (
                <Space>
                  <Button size="small" aria-label={`${t("common:action.edit")} ${device.serial}`} onClick={() => setEdited(device)}>
                    {t("common:action.edit")}
                  </Button>
                  <Popconfirm title={`${t("common:action.delete")} ${device.serial}?`} onConfirm={() => remove.mutate(device)}>
                    <Button size="small" danger icon={<DeleteOutlined />} aria-label={`${t("common:action.delete")} ${device.serial}`} />
                  </Popconfirm>
                </Space>
              ),
          },
        ]}
      />
      {edited && <DeviceForm device={edited === "new" ? null : edited} close={() => setEdited(null)} />}
    </>
  );
}

function DeviceForm({ device, close }: { device: Device | null; close: () => void }) {
  const { t } = useTranslation("admin");
  const [form] = Form.useForm<Schemas["DeviceInput"]>();
  const [text, setText] = useState("");
  const elders = usePages("/api/v1/elders", text ? { query: text, limit: 20 } : { limit: 20 });
  const whose = useQuery({ ...query("/api/v1/elders/{id}", { params: { path: { id: device?.elder_id ?? "" } } }), enabled: Boolean(device?.elder_id) }).data;
  const known = whose && !text ? [whose, ...elders.items.filter(({ id }) => id !== whose.id)] : elders.items;
  const save = useSaved(
    "/api/v1/devices",
    (body: Schemas["DeviceInput"]) =>
      call<unknown>(
        device
          ? api.PATCH("/api/v1/devices/{id}", {
              params: { path: { id: device.id }, header: { "If-Match": `"${device.version}"` } },
              body: { ...body, elder_id: body.elder_id ?? null, number: body.number || null },
            })
          : api.POST("/api/v1/devices", { body }),
      ),
    close,
  );
  return (
    <Modal open title={device ? device.serial : t("device.new")} onCancel={close} onOk={() => form.submit()} confirmLoading={save.isPending}>
      <Form form={form} layout="vertical" initialValues={device ?? {}} onFinish={(values) => save.mutate(values)}>
        <Form.Item name="kind" label={t("field.kind")} rules={[{ required: true }]}>
          <Select options={KINDS.map((value) => ({ value, label: t(`deviceKind.${value}`) }))} />
        </Form.Item>
        <Form.Item name="serial" label={t("field.serial")} rules={[{ required: true }]}>
          <Input maxLength={60} />
        </Form.Item>
        <Form.Item name="number" label={t("field.number")}>
          <Input />
        </Form.Item>
        <Form.Item name="elder_id" label={t("field.elder")}>
          <Select allowClear showSearch={{ filterOption: false, onSearch: setText }} options={known.map((elder) => ({ value: elder.id, label: `${elder.name} ${elder.code}` }))} />
        </Form.Item>
      </Form>
    </Modal>
  );
}
