// Writing an article: each saving is a version of its own, and nobody overwrites another's unseen.
import { useMutation } from "@tanstack/react-query";
import { App, Button, Drawer, Form, Input, Select, Space } from "antd";
import { useTranslation } from "react-i18next";

import { api, call, type Schemas } from "../../api/client";
import { queries } from "../../live/queries";
import { CATEGORIES } from "./KnowledgePage";

type Article = Schemas["Article"];
type Values = Schemas["ArticleInput"];

export function ArticleForm({ article, close }: { article: Article | null; close: (id?: string) => void }) {
  const { t } = useTranslation("knowledge");
  const { message } = App.useApp();
  const [form] = Form.useForm<Values>();
  const save = useMutation({
    mutationFn: (values: Values) =>
      call(
        article
          ? api.PUT("/api/v1/knowledge/{id}", {
              params: { path: { id: article.id }, header: { "If-Match": `"${article.version}"` } },
              body: { ...values, version: article.version },
            })
          : api.POST("/api/v1/knowledge", { body: values }),
      ),
    onSuccess: (saved) => {
      void queries.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[0]).startsWith("/api/v1/knowledge") });
      close(saved.id);
    },
    onError: (error) => void message.error(error.message),
  });
  return (
    <Drawer
      open
      size={760}
      title={t(article ? "edit" : "new")}
      onClose={() => close()}
      extra={
        <Button type="primary" loading={save.isPending} onClick={() => form.submit()}>
          {t("common:action.save")}
        </Button>
      }
    >
      <Form
        form={form}
        layout="vertical"
        onFinish={(values) => save.mutate(values)}
        initialValues={article ?? { category: "other", state: "published", tags: [] }}
      >
        <Form.Item name="title" label={t("field.title")} rules={[{ required: true, max: 200 }]}>
          <Input />
        </Form.Item>
        <Space wrap>
          <Form.Item name="category" label={t("field.category")}>
            <Select style={{ width: 160 }} options={CATEGORIES.map((value) => ({ value, label: t(`category.${value}`) }))} />
          </Form.Item>
          <Form.Item name="state" label={t("field.state")}>
            <Select
              style={{ width: 160 }}
              options={(["draft", "published", "archived"] as const).map((value) => ({ value, label: t(`state.${value}`) }))}
            />
          </Form.Item>
          <Form.Item name="tags" label={t("field.tags")}>
            <Select mode="tags" style={{ minWidth: 260 }} tokenSeparators={[",", "，", " "]} open={false} suffixIcon={null} />
          </Form.Item>
        </Space>
        <Form.Item name="body" label={t("field.body")} rules={[{ required: true, max: 50000 }]}>
          <Input.TextArea autoSize={{ minRows: 18, maxRows: 28 }} />
        </Form.Item>
      </Form>
    </Drawer>
  );
}
