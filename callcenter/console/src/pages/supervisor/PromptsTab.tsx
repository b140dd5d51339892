// What callers can be made to hear: the built-in prompts and the centre's own recordings.
import { DeleteOutlined, UploadOutlined } from "@ant-design/icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import { App, Button, Form, Input, Popconfirm, Table, Upload, type UploadFile } from "antd";
import { useTranslation } from "react-i18next";

import { api, call, query } from "../../api/client";
import { upload } from "../../api/upload";
import { queries } from "../../live/queries";
import { Listen } from "../../ui/Listen";
import { Loaded } from "../../ui/Loaded";
import { why } from "../../ui/why";
import { seconds } from "./Figure";
import styles from "./supervisor.module.css";

interface Values {
  name: string;
  text?: string;
  file: { fileList: UploadFile[] };
}

export function PromptsTab() {
  const { t } = useTranslation("supervisor");
  const { message } = App.useApp();
  const [form] = Form.useForm<Values>();
  const found = useQuery(query("/api/v1/prompts"));
  const again = () => void queries.invalidateQueries({ queryKey: ["/api/v1/prompts"] });
  const failed = (error: Error) => void message.error(why(error));
  const sending = useMutation({
    mutationFn: send,
    onSuccess: () => {
      form.resetFields();
      again();
    },
    onError: failed,
  });
  const remove = useMutation({
    mutationFn: (name: string) => call(api.DELETE("/api/v1/prompts/{name}", { params: { path: { name } } })),
    onSuccess: again,
    onError: failed,
  });
  return (
    <>
      <div className={styles.toolbar}>
        <h1>{t("queues.prompts")}</h1>
        <Form form={form} layout="inline" onFinish={(values) => sending.mutate(values)}>
          <Form.Item name="name" rules={[{ required: true, pattern: /^custom-[a-z0-9-]{1,33}$/, message: t("queues.promptHelp") }]}>
            <Input placeholder={t("queues.promptName")} aria-label={t("queues.promptName")} />
          </Form.Item>
          <Form.Item name="text">
            <Input placeholder={t("queues.promptText")} aria-label={t("queues.promptText")} maxLength={200} />
          </Form.Item>
          <Form.Item name="file" rules={[{ required: true, message: t("queues.file") }]}>
            <Upload accept="audio/*" maxCount={1} beforeUpload={() => false}>
              <Button icon={<UploadOutlined />}>{t("queues.file")}</Button>
            </Upload>
          </Form.Item>
          <Button type="primary" htmlType="submit" loading={sending.isPending}>
            {t("queues.upload")}
          </Button>
        </Form>
      </div>
      <Loaded of={found}>
        {(page) => (
          <Table
            size="small"
            rowKey="name"
            pagination={{ pageSize: 20, hideOnSinglePage: true, showSizeChanger: false }}
            dataSource={page.items}
            columns={[
              { title: t("queues.name"), dataIndex: "name", sorter: (a, b) => a.name.localeCompare(b.name) },
              { title: t("queues.promptText"), dataIndex: "text" },
              { title: t("calls.duration"), align: "right", render: (_, prompt) => seconds(prompt.seconds) },
              { title: t("queues.listen"), render: (_, prompt) => <Listen path={prompt.audio} /> },
              {
                key: "actions",
                render: (_, prompt) =>
                  prompt.custom && (
                    <Popconfirm title={`${t("common:action.delete")} ${prompt.name}?`} onConfirm={() => remove.mutate(prompt.name)}>
                      <Button size="small" danger icon={<DeleteOutlined />} aria-label={`${t("common:action.delete")} ${prompt.name}`} />
                    </Popconfirm>
                  ),
              },
            ]}
          />
        )}
      </Loaded>
    </>
  );
}

/** What the server takes of one prompt. */
const MOST_BYTES = 1_000_000;

const send = ({ name, text, file }: Values) =>
  upload<unknown>("/api/v1/prompts", { name, text: text ?? "" }, file.fileList[0]?.originFileObj, MOST_BYTES);
