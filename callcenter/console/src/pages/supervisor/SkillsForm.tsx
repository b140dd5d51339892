// What a seat can do, how well, and which area it is for: what distribution goes by.
import { MinusCircleOutlined, PlusOutlined } from "@ant-design/icons";
import { useMutation } from "@tanstack/react-query";
import { App, Button, Form, Input, InputNumber, Modal, Space } from "antd";
import { useTranslation } from "react-i18next";

import { api, call } from "../../api/client";
import { queries } from "../../live/queries";
import { why } from "../../ui/why";
import type { Seat } from "./SeatsPage";

interface Values {
  skills: { skill: string; level: number }[];
  area?: string;
}

export function SkillsForm({ seat, close }: { seat: Seat; close: () => void }) {
  const { t } = useTranslation("supervisor");
  const { message } = App.useApp();
  const [form] = Form.useForm<Values>();
  const save = useMutation({
    mutationFn: (values: Values) =>
      call(
        api.PUT("/api/v1/seats/{user}/skills", {
          params: { path: { user: seat.user } },
          body: {
            skills: Object.fromEntries((values.skills ?? []).map(({ skill, level }) => [skill, level])),
            area: values.area ?? "",
          },
        }),
      ),
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["/api/v1/seats"] });
      void message.success(t("seats.done"));
      close();
    },
    onError: (error) => void message.error(why(error)),
  });
  return (
    <Modal
      open
      title={`${t("seats.editSkills")} · ${seat.user}`}
      onCancel={close}
      onOk={() => form.submit()}
      confirmLoading={save.isPending}
      destroyOnHidden
    >
      <Form
        form={form}
        layout="vertical"
        onFinish={(values) => save.mutate(values)}
        initialValues={{
          area: seat.area ?? "",
          skills: Object.entries(seat.skills).map(([skill, level]) => ({ skill, level })),
        }}
      >
        <Form.Item name="area" label={t("seats.area")}>
          <Input maxLength={40} />
        </Form.Item>
        <Form.List name="skills">
          {(fields, { add, remove }) => (
            <>
              {fields.map(({ key, name }) => (
                <Space key={key} align="baseline">
                  <Form.Item name={[name, "skill"]} rules={[{ required: true, whitespace: true, message: t("seats.skillHelp") }]}>
                    <Input maxLength={40} aria-label={t("seats.skill")} placeholder={t("seats.skill")} />
                  </Form.Item>
                  <Form.Item name={[name, "level"]} messageVariables={{ label: t("seats.level") }} rules={[{ required: true }]}>
                    <InputNumber aria-label={t("seats.level")} placeholder={t("seats.level")} min={1} max={5} />
                  </Form.Item>
                  <Button type="text" aria-label={t("common:action.delete")} icon={<MinusCircleOutlined />} onClick={() => remove(name)} />
                </Space>
              ))}
              <Button icon={<PlusOutlined />} onClick={() => add({ skill: "", level: 3 })}>
                {t("seats.addSkill")}
              </Button>
            </>
          )}
        </Form.List>
      </Form>
    </Modal>
  );
}
