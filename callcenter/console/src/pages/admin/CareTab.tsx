// The register of care workers and managers, whom the ratios count: who they are, where, and from when to when (B3).
import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { Button, DatePicker, Form, Input, Modal, Popconfirm, Select, Space } from "antd";
import dayjs, { type Dayjs } from "dayjs";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call, type Schemas } from "../../api/client";
import { usePages } from "../../api/pages";
import { may } from "../../api/session";
import { MoreTable } from "../../ui/MoreTable";
import { useSaved } from "../../ui/useSaved";
import styles from "./admin.module.css";

type Member = Schemas["StaffMember"];
type Kind = Member["kind"];
const KINDS: Kind[] = ["worker", "manager"];
const SHOWN = ["/api/v1/staff", "/api/v1/wallboard"];

export function CareTab() {
  const { t } = useTranslation("admin");
  const [kind, setKind] = useState<Kind | undefined>();
  const [text, setText] = useState("");
  const q = useDeferredValue(text.trim());
  const staff = usePages("/api/v1/staff", { ...(kind && { kind }), ...(q && { q }) });
  const [edited, setEdited] = useState<Member | "new" | null>(null);
  const remove = useSaved(SHOWN, ({ id, version }: Member) =>
    call(api.DELETE("/api/v1/staff/{id}", { params: { path: { id }, header: { "If-Match": `"${version}"` } } })),
  );
  const write = may("staff:write");
  const kinds = KINDS.map((value) => ({ value, label: t(`care.${value}`) }));
  return (
    <>
      <div className={styles.toolbar}>
        <Input.Search allowClear value={text} placeholder={t("care.search")} aria-label={t("care.search")} onChange={(event) => setText(event.target.value)} style={{ maxWidth: 260 }} />
        <Select allowClear style={{ width: 160 }} aria-label={t("field.kind")} placeholder={t("field.kind")} value={kind} onChange={setKind} options={kinds} />
        <span style={{ flex: 1 }} />
        {write && (
          <Button type="primary" icon={<PlusOutlined />} onClick={() => setEdited("new")}>
            {t("care.new")}
          </Button>
        )}
      </div>
      <MoreTable
        of={staff}
        rowKey="id"
        columns={[
          { title: t("field.name"), dataIndex: "name" },
          { title: t("field.code"), dataIndex: "code" },
          { title: t("field.kind"), render: (_, member) => t(`care.${member.kind}`) },
          { title: t("field.phone"), dataIndex: "phone", className: "tabular" },
          { title: t("field.station"), dataIndex: "station" },
          { title: t("field.area"), dataIndex: "area" },
          { title: t("field.starts_on"), dataIndex: "starts_on", className: "tabular" },
          { title: t("field.ends_on"), dataIndex: "ends_on", className: "tabular" },
          {
            key: "actions",
            render: (_, member) =>
              write && (
                <Space>
                  <Button size="small" aria-label={`${t("common:action.edit")} ${member.name}`} onClick={() => setEdited(member)}>
                    {t("common:action.edit")}
                  </Button>
                  <Popconfirm title={t("care.remove", { name: member.name })} onConfirm={() => remove.mutate(member)}>
                    <Button size="small" danger icon={<DeleteOutlined />} aria-label={`${t("common:action.delete")} ${member.name}`} />
                  </Popconfirm>
                </Space>
              ),
          },
        ]}
      />
      {edited && <CareForm member={edited === "new" ? null : edited} close={() => setEdited(null)} />}
    </>
  );
}

interface Values {
  name: string;
  kind: Kind;
  code?: string;
  phone?: string;
  station?: string;
  area?: string;
  starts_on?: Dayjs | null;
  ends_on?: Dayjs | null;
}

function CareForm({ member, close }: { member: Member | null; close: () => void }) {
  const { t } = useTranslation("admin");
  const [form] = Form.useForm<Values>();
  const save = useSaved(
    SHOWN,
    ({ name, kind, code, phone, station, area, starts_on, ends_on }: Values) => {
      const body = {
        name,
        kind,
        ...(code && { code }),
        phone: phone || null,
        station: station || null,
        area: area || null,
        starts_on: starts_on?.format("YYYY-MM-DD") ?? null,
        ends_on: ends_on?.format("YYYY-MM-DD") ?? null,
      };
      return call<unknown>(
        member
          ? api.PATCH("/api/v1/staff/{id}", { params: { path: { id: member.id }, header: { "If-Match": `"${member.version}"` } }, body: { ...body, code: code || member.code } })
          : api.POST("/api/v1/staff", { body }),
      );
    },
    close,
  );
  const day = (at: string | null | undefined) => (at ? dayjs(at) : null);
  const known = member && { ...member, starts_on: day(member.starts_on), ends_on: day(member.ends_on) };
  return (
    <Modal open title={member ? member.name : t("care.new")} onCancel={close} onOk={() => form.submit()} confirmLoading={save.isPending}>
      <Form form={form} layout="vertical" initialValues={known ?? { kind: "worker" }} onFinish={(values) => save.mutate(values)}>
        <div className={styles.grid}>
          <Form.Item name="name" label={t("field.name")} rules={[{ required: true, whitespace: true }]}>
            <Input maxLength={60} />
          </Form.Item>
          <Form.Item name="kind" label={t("field.kind")} rules={[{ required: true }]}>
            <Select options={KINDS.map((value) => ({ value, label: t(`care.${value}`) }))} />
          </Form.Item>
          <Form.Item name="code" label={t("field.code")} extra={member ? undefined : t("care.codeHelp")}>
            <Input maxLength={40} />
          </Form.Item>
          <Form.Item name="phone" label={t("field.phone")}>
            <Input maxLength={40} />
          </Form.Item>
          <Form.Item name="station" label={t("field.station")}>
            <Input maxLength={60} />
          </Form.Item>
          <Form.Item name="area" label={t("field.area")}>
            <Input maxLength={60} />
          </Form.Item>
          <Form.Item name="starts_on" label={t("field.starts_on")}>
            <DatePicker style={{ width: "100%" }} />
          </Form.Item>
          <Form.Item name="ends_on" label={t("field.ends_on")} extra={t("care.leaves")}>
            <DatePicker style={{ width: "100%" }} />
          </Form.Item>
        </div>
      </Form>
    </Modal>
  );
}
