// Days on which the centre is open or closed other than usual: the State Council's, and the centre's own.
import { DeleteOutlined, PlusOutlined } from "@ant-design/icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import { App, Button, DatePicker, Form, Input, Popconfirm, Select, Table, Tag } from "antd";
import dayjs, { type Dayjs } from "dayjs";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call, query, type Schemas } from "../../api/client";
import { queries } from "../../live/queries";
import { Loaded } from "../../ui/Loaded";
import { today } from "../../ui/shanghai";
import { why } from "../../ui/why";
import styles from "./supervisor.module.css";

type Day = Schemas["DayView"];
interface Values {
  date: Dayjs;
  kind: Day["kind"];
  name?: string;
}

export function HolidaysTab() {
  const { t } = useTranslation("supervisor");
  const { message } = App.useApp();
  const [form] = Form.useForm<Values>();
  const [year, setYear] = useState(() => today().year());
  const found = useQuery(query("/api/v1/holidays", { params: { query: { year } } }));
  const path = (date: string) => ({ params: { path: { date } } });
  const done = {
    onSuccess: () => void queries.invalidateQueries({ queryKey: ["/api/v1/holidays"] }),
    onError: (error: Error) => void message.error(why(error)),
  };
  const save = useMutation({
    mutationFn: ({ date, kind, name }: Values) =>
      call(api.PUT("/api/v1/holidays/{date}", { ...path(date.format("YYYY-MM-DD")), body: { kind, name: name ?? "" } })),
    ...done,
    onSuccess: (_, { date }) => {
      done.onSuccess();
      setYear(date.year());
      form.resetFields();
    },
  });
  const forget = useMutation({ mutationFn: (date: string) => call(api.DELETE("/api/v1/holidays/{date}", path(date))), ...done });
  // The State Council's days come with English names, and those that are worked in exchange with none.
  const called = ({ own: ours, name, kind }: Day) =>
    ours ? name : name ? t(`queues.dayName.${name}`, name) : kind === "open" ? t("queues.exchanged") : "";
  return (
    <>
      <div className={styles.toolbar}>
        <h1>{t("queues.holidays")}</h1>
        <DatePicker picker="year" allowClear={false} value={dayjs(`${year}-01-01`)} onChange={(date) => date && setYear(date.year())} />
        <Form layout="inline" form={form} onFinish={(values) => save.mutate(values)} initialValues={{ kind: "closed" }}>
          <Form.Item name="date" messageVariables={{ label: t("queues.date") }} rules={[{ required: true }]}>
            <DatePicker placeholder={t("queues.date")} />
          </Form.Item>
          <Form.Item name="kind">
            <Select aria-label={t("queues.kind")} options={[{ value: "closed", label: t("queues.shut") }, { value: "open", label: t("queues.open") }]} />
          </Form.Item>
          <Form.Item name="name">
            <Input placeholder={t("queues.name")} aria-label={t("queues.name")} maxLength={60} />
          </Form.Item>
          <Button htmlType="submit" icon={<PlusOutlined />} loading={save.isPending}>
            {t("queues.addDay")}
          </Button>
        </Form>
      </div>
      <Loaded of={found} empty={(page) => !page.items.length}>
        {(page) => (
          <Table
            size="small"
            pagination={false}
            rowKey="date"
            dataSource={page.items}
            columns={[
              { title: t("queues.date"), dataIndex: "date" },
              { title: t("queues.name"), render: (_, day) => called(day) },
              { title: t("queues.kind"), render: (_, day) => <Tag color={day.kind === "open" ? "success" : "default"}>{t(day.kind === "open" ? "queues.open" : "queues.shut")}</Tag> },
              {
                key: "actions",
                align: "right",
                render: (_, day) =>
                  day.own && (
                    <Popconfirm
                      title={`${t("common:action.delete")} ${day.date}?`}
                      onConfirm={() => forget.mutate(day.date)}
                    >
                      <Button size="small" danger icon={<DeleteOutlined />} aria-label={`${t("common:action.delete")} ${day.date}`} />
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
