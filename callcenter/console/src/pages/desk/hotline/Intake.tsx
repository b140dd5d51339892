// What becomes of a call: an answer, a work order, a complaint, a follow-up, a call-back; and its disposition.
import { Alert, Button, Form, Input, Radio, Select } from "antd";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call as send } from "../../../api/client";
import { insist } from "../ask";
import { useReread } from "../data";
import styles from "../desk.module.css";
import { useKept } from "../kept";
import { useKeys } from "../keys";
import { useWhy } from "../refusal";
import type { Call } from "../shapes";

const OUTCOMES = ["answer", "work_order", "complaint", "follow_up", "callback", "none"] as const;
type Outcome = (typeof OUTCOMES)[number];

const DISPOSITION: Record<Outcome, string> = {
  answer: "answered",
  work_order: "work_order",
  complaint: "complaint",
  follow_up: "enquiry",
  callback: "callback",
  none: "wrong_number",
};
const KIND = { answer: "question", work_order: "service", complaint: "complaint", follow_up: "question", callback: "other", none: "other" } as const;

interface Values {
  outcome: Outcome;
  text?: string;
  kind?: "service" | "enquiry";
  priority?: "normal" | "high" | "urgent";
  about?: string;
  organisation?: string;
  number?: string;
  due?: string;
}

const FRESH: Values = { outcome: "answer", kind: "service", priority: "normal" };

export function Intake({ id, call, done }: { id: string; call: Call | undefined; done: () => void }) {
  const { t } = useTranslation("desk");
  const [form] = Form.useForm<Values>();
  const outcome = Form.useWatch("outcome", form) ?? "answer";
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState("");
  const reread = useReread();
  const kept = useKept<Values>(`intake.${id}`);
  const why = useWhy();
  const underWay = useRef(false);
  const submit = async (values: Values) => {
    // A key is quicker than the button that turns grey; without the call it would be nobody's.
    if (underWay.current || !call) return;
    underWay.current = true;
    setBusy(true);
    setFailed("");
    try {
      // Whoever reads it later reads words: where none were typed, what it is, in the operator's language.
      const words = values.text?.trim() || t(`disposition.${DISPOSITION[values.outcome]}`);
      if (call.line !== "outbound" || values.outcome !== "none") await decide(id, call, values, words);
      if (call.line === "hotline" && !call.disposition) await dispose(id, call, values);
      kept.forget();
      done();
    } catch (error) {
      setFailed(why(error));
    } finally {
      underWay.current = false;
      setBusy(false);
      reread();
    }
  };
  useKeys([{ keys: ["Ctrl+Enter"], name: "submit", act: () => form.submit() }]);
  if (call?.disposition)
    return (
      <section className={styles.pane}>
        <Alert type="success" showIcon title={t("intake.disposed", { what: t(`disposition.${call.disposition}`) })} />
      </section>
    );
  return (
    <section className={styles.pane} aria-label={t("intake.title")}>
      <h3>{t("intake.title")}</h3>
      <Form form={form} layout="vertical" size="small" requiredMark={false} initialValues={{ ...FRESH, ...kept.typed }} onValuesChange={(_, all) => kept.keep(all)} onFinish={(values) => void submit(values)}>
        <Form.Item name="outcome" style={{ marginBottom: 10 }}>
          <Radio.Group buttonStyle="solid" optionType="button" options={OUTCOMES.map((value) => ({ value, label: t(`intake.${value}`) }))} aria-label={t("intake.title")} />
        </Form.Item>
        {outcome !== "none" && (
          <Form.Item name="text" label={t(`intake.text.${outcome}`)} rules={[{ required: outcome !== "callback", whitespace: true, message: t("intake.needed") }]}>
            <Input.TextArea rows={3} maxLength={2000} data-testid="intake-text" />
          </Form.Item>
        )}
        {outcome === "work_order" && (
          <Form.Item name="priority" label={t("intake.priority")}>
            <Radio.Group options={(["normal", "high", "urgent"] as const).map((value) => ({ value, label: t(`priority.${value}`) }))} />
          </Form.Item>
        )}
        {outcome === "complaint" && (
          <div style={{ display: "grid", gridTemplateColumns: "1fr 1fr", gap: 10 }}>
            <Form.Item name="about" label={t("intake.about")}>
              <Input maxLength={200} />
            </Form.Item>
            <Form.Item name="organisation" label={t("intake.organisation")}>
              <Input maxLength={200} />
            </Form.Item>
          </div>
        )}
        {outcome === "callback" && (
          <Form.Item name="number" label={t("intake.number")}>
            <Input inputMode="tel" placeholder={call?.caller} />
          </Form.Item>
        )}
        {(outcome === "work_order" || outcome === "follow_up") && (
          <Form.Item name="due" label={t("intake.due")}>
            <Select allowClear placeholder={t("intake.usual")} options={[4, 24, 48, 72].map((hours) => ({ value: String(hours), label: t("intake.within", { hours }) }))} />
          </Form.Item>
        )}
        {failed && <Alert type="error" showIcon title={failed} style={{ marginBottom: 8 }} />}
        <Button type="primary" htmlType="submit" loading={busy} disabled={!call} data-testid="intake-submit">
          {t("intake.submit")} <kbd aria-hidden>Ctrl+Enter</kbd>
        </Button>
      </Form>
    </section>
  );
}

/** The call's item in the one list of all channels comes to its outcome; what it becomes is made with it. */
async function decide(id: string, call: Call, values: Values, words: string): Promise<void> {
  const { outcome, text = "", priority = "normal", about = "", organisation = "", number, due } = values;
  const elder_id = call.elder_id;
  const found = await send(api.GET("/api/v1/intake", { params: { query: { call_id: id, limit: 1 } } }));
  let item = found.items[0];
  if (item?.state === "done") return;
  item ??= await send(
    api.POST("/api/v1/intake", {
      body: { text: words, kind: KIND[outcome], channel: "phone", call_id: id, elder_id, caller: call.caller || null, take: true },
    }),
  );
  const due_at = due ? new Date(Date.now() + Number(due) * 3_600_000).toISOString() : null;
  await send(
    api.POST("/api/v1/intake/{id}/outcome", {
      params: { path: { id: item.id } },
      body: { outcome, text: outcome === "callback" ? words : text, elder_id, kind: "service", priority, about, organisation, number: number || null, due_at },
    }),
  );
}

async function dispose(id: string, call: Call, { outcome, text = "" }: Values): Promise<void> {
  await insist(() =>
    api.POST("/api/v1/calls/{call_id}/disposition", {
      params: { path: { call_id: id } },
      body: { disposition: DISPOSITION[outcome], summary: text, kind: KIND[outcome], elder_id: call.elder_id },
    }),
  );
}
