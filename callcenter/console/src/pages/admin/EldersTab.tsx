// The elders: found by name, pinyin, phone, address or code; their whole file as a form.
import { DownloadOutlined, PlusOutlined } from "@ant-design/icons";
import { App, Button, Input, Tag } from "antd";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Schemas } from "../../api/client";
import { download } from "../../api/download";
import { usePages } from "../../api/pages";
import { may } from "../../api/session";
import { MoreTable } from "../../ui/MoreTable";
import { why } from "../../ui/why";
import styles from "./admin.module.css";
import { ElderForm } from "./ElderForm";

export type Elder = Schemas["Elder"];

export function EldersTab() {
  const { t } = useTranslation("admin");
  const { message } = App.useApp();
  const [text, setText] = useState("");
  const asked = useDeferredValue(text.trim());
  const elders = usePages("/api/v1/elders", asked ? { query: asked } : {});
  const [edited, setEdited] = useState<Elder | "new" | null>(null);
  const save = (form: string) =>
    void download(`/api/v1/elders.${form}`, `elders.${form}`).catch((error: Error) => message.error(why(error)));
  return (
    <>
      <div className={styles.toolbar}>
        <Input.Search allowClear value={text} placeholder={t("elder.search")} aria-label={t("elder.search")} onChange={(event) => setText(event.target.value)} style={{ maxWidth: 420 }} />
        <span style={{ flex: 1 }} />
        {["csv", "xlsx"].map((form) => (
          <Button key={form} icon={<DownloadOutlined />} onClick={() => save(form)}>
            {form.toUpperCase()}
          </Button>
        ))}
        {may("elders:write") && (
          <Button type="primary" icon={<PlusOutlined />} onClick={() => setEdited("new")}>
            {t("elder.new")}
          </Button>
        )}
      </div>
      <MoreTable
        of={elders}
        rowKey="id"
        columns={[
          {
            title: t("field.name"),
            render: (_, elder) => (
              <Button type="link" size="small" onClick={() => setEdited(elder)}>
                {elder.name}
              </Button>
            ),
          },
          { title: t("field.code"), dataIndex: "code" },
          { title: t("field.phones"), render: (_, elder) => <span className="tabular">{elder.phones.join("，")}</span> },
          { title: t("field.area"), dataIndex: "area" },
          { title: t("field.address"), dataIndex: "address", ellipsis: true, width: 260 },
          { title: t("field.groups"), render: (_, elder) => elder.groups.map((group) => <Tag key={group}>{group}</Tag>) },
          { title: t("field.contacts"), align: "right", render: (_, elder) => elder.contacts.length },
          { title: t("field.active"), render: (_, elder) => <Tag color={elder.active ? "success" : "default"}>{t(elder.active ? "field.active" : "inactive")}</Tag> },
        ]}
      />
      {edited && <ElderForm elder={edited === "new" ? null : edited} close={() => setEdited(null)} />}
    </>
  );
}
