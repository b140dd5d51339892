// Registering a caller whom nobody knows, with what can be asked in a call; somebody alike is shown first.
import { Alert, Button, Form, Input, Radio } from "antd";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { ApiError, api, call } from "../../../api/client";
import styles from "../desk.module.css";
import { useKept } from "../kept";
import { useWhy } from "../refusal";

interface Values {
  name: string;
  phone?: string;
  sex?: "female" | "male";
  birth_date?: string;
  address?: string;
  family_name?: string;
  family_phone?: string;
}

interface Alike {
  id: string;
  name: string;
  birth_date: string | null;
  address: string | null;
}

interface Props {
  callId: string;
  phone: string;
  made: (id: string) => void;
}

export function QuickCreate({ callId, phone, made }: Props) {
  const { t } = useTranslation("desk");
  const [form] = Form.useForm<Values>();
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState("");
  const [alike, setAlike] = useState<Alike[]>([]);
  const kept = useKept<Values>(`create.${callId}`);
  const why = useWhy();
  const underWay = useRef(false);
  const submit = async (force: boolean) => {
    if (underWay.current) return;
    const values = await form.validateFields();
    underWay.current = true;
    const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value));
    setBusy(true);
    setFailed("");
    try {
      const elder = await call(api.POST("/api/v1/elders/quick", { body: { ...given, name: values.name, force } }));
      kept.forget();
      made(elder.id);
    } catch (error) {
      const found = error instanceof ApiError && error.code === "duplicate_elder" ? (error.body as { candidates?: Alike[] }).candidates : undefined;
      if (found) setAlike(found);
      else setFailed(why(error));
    } finally {
      underWay.current = false;
      setBusy(false);
    }
  };
  return (
    <Form form={form} layout="vertical" size="small" style={{ marginTop: 10 }} initialValues={{ phone, ...kept.typed }} onValuesChange={(_, all) => kept.keep(all)} onFinish={() => void submit(false)} requiredMark={false}>
      <Form.Item name="name" label={t("create.name")} rules={[{ required: true, message: t("create.needed") }]}>
        <Input autoFocus maxLength={60} />
      </Form.Item>
      <Form.Item name="phone" label={t("create.phone")}>
        <Input inputMode="tel" />
      </Form.Item>
      <Form.Item name="sex" label={t("create.sex")}>
        <Radio.Group options={(["female", "male"] as const).map((value) => ({ value, label: t(`sex.${value}`) }))} />
      </Form.Item>
      <Form.Item name="birth_date" label={t("create.born")} rules={[{ pattern: /^\d{4}-\d{2}-\d{2}$/, message: t("create.bornHint") }]}>
        <Input placeholder="1941-03-12" />
      </Form.Item>
      <Form.Item name="address" label={t("create.address")}>
        <Input maxLength={200} />
      </Form.Item>
      <Form.Item label={t("create.family")} style={{ marginBottom: 8 }}>
        <Form.Item name="family_name" noStyle>
          <Input placeholder={t("create.familyName")} style={{ width: "45%", marginInlineEnd: 8 }} />
        </Form.Item>
        <Form.Item name="family_phone" noStyle>
          <Input placeholder={t("create.familyPhone")} inputMode="tel" style={{ width: "50%" }} />
        </Form.Item>
      </Form.Item>
      {failed && <Alert type="error" showIcon title={failed} style={{ marginBottom: 8 }} />}
      {alike.length > 0 && (
        <Alert
          type="warning"
          title={t("create.alike")}
          description={
            <ul className={styles.rows}>
              {alike.map((one) => (
                <li key={one.id}>
                  <b>{one.name}</b>
                  <span className={styles.fill}>{[one.birth_date, one.address].filter(Boolean).join(" · ")}</span>
                  <Button size="small" onClick={() => made(one.id)}>
                    {t("file.isHer")}
                  </Button>
                </li>
              ))}
            </ul>
          }
          action={<Button size="small" onClick={() => void submit(true)}>{t("create.force")}</Button>}
          style={{ marginBottom: 8 }}
        />
      )}
      <Button type="primary" htmlType="submit" loading={busy}>
        {t("create.submit")}
      </Button>
    </Form>
  );
}
