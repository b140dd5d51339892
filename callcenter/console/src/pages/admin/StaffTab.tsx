// Accounts: who works here, as what, and with which phone.
import { PlusOutlined } from "@ant-design/icons";
import { Button, Form, Input, Modal, Select, Space, Switch, Tag } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call, type Schemas } from "../../api/client";
import { usePages } from "../../api/pages";
import { may, type Role } from "../../api/session";
import { MoreTable } from "../../ui/MoreTable";
import styles from "./admin.module.css";
import { PhoneSetup } from "./PhoneSetup";
import { useSaved } from "../../ui/useSaved";

export type Account = Schemas["Account"];
type Values = Schemas["AccountInput"];
const ROLES: Role[] = ["operator", "supervisor", "qa", "station", "admin"];

export function StaffTab() {
  const { t } = useTranslation("admin");
  const [role, setRole] = useState<Role | undefined>();
  const accounts = usePages("/api/v1/accounts", role ? { role } : {});
  const [edited, setEdited] = useState<Account | "new" | null>(null);
  const [phone, setPhone] = useState<Account | null>(null);
  const write = may("accounts:write");
  return (
    <>
      <div className={styles.toolbar}>
        <Select allowClear style={{ width: 180 }} aria-label={t("field.role")} placeholder={t("field.role")} value={role} onChange={setRole} options={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))} />
        <span style={{ flex: 1 }} />
        {write && (
          <Button type="primary" icon={<PlusOutlined />} onClick={() => setEdited("new")}>
            {t("staff.new")}
          </Button>
        )}
      </div>
      <MoreTable
        of={accounts}
        rowKey="id"
        columns={[
          { title: t("field.user"), dataIndex: "user" },
          { title: t("field.name"), dataIndex: "name" },
          { title: t("field.role"), render: (_, account) => t(`role.${account.role}`) },
          { title: t("field.area"), dataIndex: "area" },
          { title: t("field.seat"), render: (_, account) => account.seat && <Tag color="success">{t("staff.hasSeat")}</Tag> },
          { title: t("field.active"), render: (_, account) => <Tag color={account.active ? "success" : "default"}>{t(account.active ? "field.active" : "inactive")}</Tag> },
          {
            key: "actions",
            render: (_, account) =>
              write && (
                <Space>
                  <Button size="small" onClick={() => setEdited(account)}>
                    {t("common:action.edit")}
                  </Button>
                  {account.seat && (
                    <Button size="small" onClick={() => setPhone(account)}>
                      {t("staff.phone")}
                    </Button>
                  )}
                </Space>
              ),
          },
        ]}
      />
      {edited && <StaffForm account={edited === "new" ? null : edited} close={() => setEdited(null)} />}
      {phone && <PhoneSetup account={phone} close={() => setPhone(null)} />}
    </>
  );
}

function StaffForm({ account, close }: { account: Account | null; close: () => void }) {
  const { t } = useTranslation("admin");
  const [form] = Form.useForm<Values>();
  const save = useSaved(
    "/api/v1/accounts",
    ({ user, password, seat, ...values }: Values) =>
      call(
        account
          ? api.PATCH("/api/v1/accounts/{id}", {
              params: { path: { id: account.id }, header: { "If-Match": `"${account.version}"` } },
              // Said again, "seat" is a new password for the phone, and the one on the desk is out.
              body: { ...values, area: values.area ?? "", ...(password && { password }), ...(seat !== account.seat && { seat }) },
            })
          : api.POST("/api/v1/accounts", { body: { user, password, seat, ...values, area: values.area || null } }),
      ),
    close,
  );
  return (
    <Modal open title={account ? account.user : t("staff.new")} onCancel={close} onOk={() => form.submit()} confirmLoading={save.isPending}>
      <Form form={form} layout="vertical" initialValues={account ?? { role: "operator", seat: true, auto_answer: false }} onFinish={(values) => save.mutate(values)}>
        <div className={styles.grid}>
          {!account && (
            <Form.Item name="user" label={t("field.user")} rules={[{ required: true, pattern: /^[a-z][a-z0-9_-]{1,31}$/, message: t("staff.userHelp") }]}>
              <Input autoComplete="off" />
            </Form.Item>
          )}
          <Form.Item name="name" label={t("field.name")} rules={[{ required: true }]}>
            <Input maxLength={60} />
          </Form.Item>
          <Form.Item name="role" label={t("field.role")}>
            <Select options={ROLES.map((value) => ({ value, label: t(`role.${value}`) }))} />
          </Form.Item>
          <Form.Item name="area" label={t("field.area")}>
            <Input maxLength={60} />
          </Form.Item>
          <Form.Item name="password" label={t(account ? "staff.newPassword" : "field.password")} rules={[{ required: !account, min: 10, message: t("staff.passwordHelp") }]}>
            <Input.Password autoComplete="new-password" />
          </Form.Item>
          <Form.Item name="seat" label={t("field.seat")} valuePropName="checked">
            <Switch />
          </Form.Item>
          <Form.Item name="auto_answer" label={t("staff.autoAnswer")} valuePropName="checked">
            <Switch />
          </Form.Item>
          {account && (
            <Form.Item name="active" label={t("field.active")} valuePropName="checked">
              <Switch />
            </Form.Item>
          )}
        </div>
      </Form>
    </Modal>
  );
}
