// Bringing elders, contacts, devices and staff in from Excel or CSV: first looked at row by row, then written.
import { DownloadOutlined, UploadOutlined } from "@ant-design/icons";
import { useMutation } from "@tanstack/react-query";
import { App, Button, Select, Tag, Upload } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Schemas } from "../../api/client";
import { download } from "../../api/download";
import { usePages } from "../../api/pages";
import { upload } from "../../api/upload";
import { queries } from "../../live/queries";
import { MoreTable } from "../../ui/MoreTable";
import { moment } from "../../ui/time";
import { why } from "../../ui/why";
import styles from "./admin.module.css";
import { ImportReport } from "./ImportReport";

type Import = Schemas["Import"];
type Kind = Import["kind"];
const KINDS: Kind[] = ["elders", "contacts", "devices", "accounts", "staff"];
/** What the server takes of one file. */
const MOST_BYTES = 5 * 2 ** 20;
const COLOURS = { draft: "warning", applied: "success", discarded: "default" } as const;

export function ImportsTab() {
  const { t } = useTranslation("admin");
  const { message } = App.useApp();
  const [kind, setKind] = useState<Kind>("elders");
  const [shown, setShown] = useState<string | null>(null);
  const imports = usePages("/api/v1/imports");
  const sending = useMutation({
    mutationFn: (file: File) => upload<Import>("/api/v1/imports", { kind }, file, MOST_BYTES),
    onSuccess: (made) => {
      void queries.invalidateQueries({ queryKey: ["/api/v1/imports"] });
      setShown(made.id);
    },
    onError: (error) => void message.error(why(error), 8),
  });
  const template = () =>
    void download(`/api/v1/imports/templates/${kind}.xlsx`, `${kind}.xlsx`).catch((error: Error) => message.error(why(error)));
  return (
    <>
      <div className={styles.toolbar}>
        <Select style={{ width: 160 }} value={kind} onChange={setKind} aria-label={t("field.kind")} options={KINDS.map((value) => ({ value, label: t(`import.${value}`) }))} />
        <Button icon={<DownloadOutlined />} onClick={template}>
          {t("import.template")}
        </Button>
        <Upload accept=".xlsx,.csv,.txt" showUploadList={false} beforeUpload={(file) => (sending.mutate(file), false)}>
          <Button type="primary" icon={<UploadOutlined />} loading={sending.isPending}>
            {t("import.upload")}
          </Button>
        </Upload>
        <span className="quiet">{t("import.nothingWritten")}</span>
      </div>
      <MoreTable
        of={imports}
        rowKey="id"
        columns={[
          {
            title: t("import.file"),
            render: (_, one) => (
              <Button type="link" size="small" onClick={() => setShown(one.id)}>
                {one.file_name}
              </Button>
            ),
          },
          { title: t("field.kind"), render: (_, one) => t(`import.${one.kind}`) },
          { title: t("field.state"), render: (_, one) => <Tag color={COLOURS[one.state]}>{t(`import.${one.state}`)}</Tag> },
          { title: t("import.rows"), dataIndex: "rows", align: "right" },
          { title: t("import.problems"), align: "right", render: (_, one) => <span className={one.problem_count ? "bad" : ""}>{one.problem_count}</span> },
          { title: t("import.by"), render: (_, one) => `${one.created_by} ${moment(one.created_at)}` },
        ]}
      />
      {shown && <ImportReport id={shown} close={() => setShown(null)} />}
    </>
  );
}
