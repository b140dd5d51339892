// Who is on call when: the mobiles that ring when no seat answers within 5 s (A9).
import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Alert, Button, DatePicker, Form, Input, InputNumber, Modal, Popconfirm, Radio, Select, Tag } from "antd";
import type { Dayjs } from "dayjs";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call, query, type Schemas } from "../../api/client";
import { usePages } from "../../api/pages";
import { MoreTable } from "../../ui/MoreTable";
import { moment as chosen } from "../../ui/shanghai";
import { moment } from "../../ui/time";
import styles from "./admin.module.css";
import { useSaved } from "../../ui/useSaved";

interface Values {
  name: string;
  phone: string;
  area?: string;
  position?: number;
  span: "once" | "weekly";
  range?: [Dayjs, Dayjs];
  weekdays?: number[];
  from_time?: string;
  to_time?: string;
}
const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const DAYS = [1, 2, 3, 4, 5, 6, 7];

export function RosterTab() {
  const { t } = useTranslation("admin");
  const shifts = usePages("/api/v1/roster");
  const now = useQuery({ ...query("/api/v1/on-call"), refetchInterval: 60_000 });
  const [creating, setCreating] = useState(false);
  const remove = useSaved("/api/v1/roster", (id: string) => call(api.DELETE("/api/v1/roster/{id}", { params: { path: { id } } })));
  const onCall = now.data?.people ?? [];
  return (
    <>
      <div className={styles.toolbar}>
        <Alert
          style={{ flex: 1 }}
          type={onCall.length ? "success" : "warning"}
          showIcon
          title={onCall.length ? `${t("roster.now")}${onCall.map((one) => `${one.name} ${one.phone}`).join("，")}` : t("roster.nobody")}
        />
        <Button type="primary" icon={<PlusOutlined />} onClick={() => setCreating(true)}>
          {t("roster.new")}
        </Button>
      </div>
      <MoreTable
        of={shifts}
        rowKey="id"
        columns={[
          { title: t("field.name"), dataIndex: "name" },
          { title: t("field.phone"), dataIndex: "phone", className: "tabular" },
          { title: t("field.area"), dataIndex: "area" },
          { title: t("roster.order"), dataIndex: "position", align: "right" },
          {
            title: t("roster.when"),
            render: (_, shift) =>
              shift.starts_at && shift.ends_at
                ? `${moment(shift.starts_at)} – ${moment(shift.ends_at)}`
                : [...shift.weekdays.map((day) => <Tag key={day}>{t(`day.${day}`)}</Tag>), ` ${shift.from_time}–${shift.to_time}`],
          },
          {
            key: "actions",
            render: (_, shift) => (
              <Popconfirm title={`${t("common:action.delete")} ${shift.name}?`} onConfirm={() => remove.mutate(shift.id)}>
                <Button size="small" danger icon={<DeleteOutlined />} aria-label={`${t("common:action.delete")} ${shift.name}`} />
              </Popconfirm>
            ),
          },
        ]}
      />
      {creating && <ShiftForm close={() => setCreating(false)} />}
    </>
  );
}

function ShiftForm({ close }: { close: () => void }) {
  const { t } = useTranslation("admin");
  const [form] = Form.useForm<Values>();
  const span = Form.useWatch("span", form);
  const save = useSaved("/api/v1/roster", (values: Values) => call(api.POST("/api/v1/roster", { body: asShift(values) })), () => {
    close();
  });
  return (
    <Modal open title={t("roster.new")} onCancel={close} onOk={() => form.submit()} confirmLoading={save.isPending}>
      <Form form={form} layout="vertical" initialValues={{ span: "weekly", position: 0, from_time: "18:00", to_time: "08:00", weekdays: DAYS }} onFinish={(values) => save.mutate(values)}>
        <div className={styles.grid}>
          <Form.Item name="name" label={t("field.name")} rules={[{ required: true }]}>
            <Input maxLength={60} />
          </Form.Item>
          <Form.Item name="phone" label={t("field.phone")} rules={[{ required: true }]}>
            <Input />
          </Form.Item>
          <Form.Item name="area" label={t("field.area")}>
            <Input maxLength={60} />
          </Form.Item>
          <Form.Item name="position" label={t("roster.order")}>
            <InputNumber min={0} max={99} />
          </Form.Item>
        </div>
        <Form.Item name="span">
          <Radio.Group optionType="button" options={["weekly", "once"].map((value) => ({ value, label: t(`roster.${value}`) }))} />
        </Form.Item>
        {span === "once" ? (
          <Form.Item name="range" label={t("roster.when")} rules={[{ required: true }]}>
            <DatePicker.RangePicker showTime={{ format: "HH:mm" }} />
          </Form.Item>
        ) : (
          <div className={styles.grid}>
            <Form.Item name="weekdays" label={t("roster.days")} rules={[{ required: true }]}>
              <Select mode="multiple" options={DAYS.map((value) => ({ value, label: t(`day.${value}`) }))} />
            </Form.Item>
            <Form.Item name="from_time" label={t("roster.from")} rules={[{ required: true, pattern: TIME, message: t("roster.timeHelp") }]}>
              <Input />
            </Form.Item>
            <Form.Item name="to_time" label={t("roster.to")} extra={t("roster.overnight")} rules={[{ required: true, pattern: TIME, message: t("roster.timeHelp") }]}>
              <Input />
            </Form.Item>
          </div>
        )}
      </Form>
    </Modal>
  );
}

function asShift({ span, range, weekdays, from_time, to_time, ...who }: Values): Schemas["ShiftInput"] {
  const when =
    span === "once"
      ? { starts_at: range && chosen(range[0]), ends_at: range && chosen(range[1]), weekdays: [], from_time: "", to_time: "" }
      : { weekdays: weekdays ?? [], from_time: from_time ?? "", to_time: to_time ?? "" };
  return { area: "", position: 0, ...who, ...when };
}
