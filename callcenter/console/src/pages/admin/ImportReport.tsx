// What an import would do, row by row; nothing is written before somebody says so here.
import { useQuery } from "@tanstack/react-query";
import { Alert, Button, Checkbox, Drawer, Space, Table, Tabs } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call, query, type Schemas } from "../../api/client";
import { Loaded } from "../../ui/Loaded";
import styles from "./admin.module.css";
import { useSaved } from "../../ui/useSaved";

type Import = Schemas["Import"];
type Applied = Schemas["AppliedImport"];

export function ImportReport({ id, close }: { id: string; close: () => void }) {
  const { t } = useTranslation("admin");
  const params = { path: { id } };
  const found = useQuery(query("/api/v1/imports/{id}", { params }));
  const [skip, setSkip] = useState(false);
  const [applied, setApplied] = useState<Applied | null>(null);
  const apply = useSaved("/api/v1/", () => call(api.POST("/api/v1/imports/{id}/apply", { params, body: { skip_errors: skip } })), setApplied);
  const discard = useSaved("/api/v1/imports", () => call(api.DELETE("/api/v1/imports/{id}", { params })), close);
  return (
    <Drawer open size={980} title={found.data?.file_name ?? ""} onClose={close}>
      <Loaded of={found}>
        {(data) => (
          <>
            <Space style={{ marginBottom: 12 }} wrap>
              <b>{t("import.summary", { rows: data.rows, ok: data.ok, fresh: data.new, changed: data.changed })}</b>
              {data.state === "draft" && (
                <>
                  {data.problem_count > 0 && (
                    <Checkbox checked={skip} onChange={(event) => setSkip(event.target.checked)}>
                      {t("import.skip", { count: data.problem_count })}
                    </Checkbox>
                  )}
                  <Button type="primary" disabled={(data.problem_count > 0 && !skip) || !data.ok} loading={apply.isPending} onClick={() => apply.mutate(undefined)}>
                    {t("import.apply")}
                  </Button>
                  <Button danger loading={discard.isPending} onClick={() => discard.mutate(undefined)}>
                    {t("import.discard")}
                  </Button>
                </>
              )}
            </Space>
            {applied && <Secrets of={applied} />}
            <Tabs
              items={[
                { key: "problems", label: `${t("import.problems")} ${data.problem_count}`, children: <Findings of={data.problems} /> },
                { key: "warnings", label: `${t("import.warnings")} ${data.warning_count}`, children: <Findings of={data.warnings} /> },
                { key: "preview", label: t("import.preview"), children: <Cells of={data} /> },
              ]}
            />
          </>
        )}
      </Loaded>
    </Drawer>
  );
}

function Findings({ of }: { of: Schemas["Finding"][] }) {
  const { t, i18n } = useTranslation("admin");
  return (
    <Table
      size="small"
      rowKey={(finding) => `${finding.row} ${finding.column} ${finding.text}`}
      pagination={{ pageSize: 50, hideOnSinglePage: true }}
      dataSource={of}
      columns={[
        { title: t("import.row"), dataIndex: "row", width: 80 },
        { title: t("import.column"), dataIndex: "column", width: 160 },
        { title: t("import.what"), render: (_, finding) => (i18n.language === "en" ? finding.text_en : finding.text) },
      ]}
    />
  );
}

function Cells({ of }: { of: Import }) {
  const { t } = useTranslation("admin");
  return (
    <Table
      size="small"
      rowKey="row"
      scroll={{ x: "max-content" }}
      pagination={{ pageSize: 50, hideOnSinglePage: true }}
      dataSource={of.preview}
      columns={[
        { title: t("import.row"), dataIndex: "row" },
        ...of.header.map((title, index) => ({ title, render: (_: unknown, one: Schemas["Preview"]) => one.cells[index] })),
      ]}
    />
  );
}

function Secrets({ of }: { of: Applied }) {
  const { t } = useTranslation("admin");
  if (!of.secrets.length) return <Alert type="success" showIcon title={t("import.done")} style={{ marginBottom: 12 }} />;
  return (
    <Alert
      type="warning"
      showIcon
      style={{ marginBottom: 12 }}
      title={t("import.secrets")}
      description={of.secrets.map((one) => (
        <div key={one.user} className={styles.secret}>
          {one.user} {one.password} {one.sip_password}
        </div>
      ))}
    />
  );
}
