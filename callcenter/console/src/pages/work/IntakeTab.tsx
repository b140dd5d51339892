// The one list that every channel of intake lands in: take an item, and say what it became (B5).
import { Button, Select, Space, Tag } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call, type Schemas } from "../../api/client";
import { usePages } from "../../api/pages";
import { useSession } from "../../api/session";
import { MoreTable } from "../../ui/MoreTable";
import { moment, Since } from "../../ui/time";
import { useSaved } from "../../ui/useSaved";
import styles from "../../ui/list.module.css";
import { OutcomeForm } from "./OutcomeForm";

export type IntakeItem = Schemas["IntakeItem"];
const STATES = ["open", "new", "taken", "done"] as const;

export function IntakeTab() {
  const { t } = useTranslation("work");
  const me = useSession((state) => state.account?.user);
  const [state, setState] = useState<(typeof STATES)[number]>("open");
  const items = usePages("/api/v1/intake", { state });
  const [settled, setSettled] = useState<IntakeItem | null>(null);
  const act = useSaved("/api/v1/intake", ({ id, what }: { id: string; what: "take" | "release" }) => {
    const path = { params: { path: { id } } };
    return call(what === "take" ? api.POST("/api/v1/intake/{id}/take", path) : api.POST("/api/v1/intake/{id}/release", path));
  });
  return (
    <>
      <div className={styles.toolbar}>
        <Select aria-label={t("state")} value={state} onChange={setState} style={{ width: 140 }} options={STATES.map((value) => ({ value, label: t(`intake.${value}`) }))} />
      </div>
      <MoreTable
        of={items}
        rowKey="id"
        columns={[
          { title: t("at"), render: (_, item) => moment(item.at), className: "tabular" },
          { title: t("channel"), render: (_, item) => <Tag>{t(`channels.${item.channel}`)}</Tag> },
          { title: t("kind"), render: (_, item) => t(`kinds.${item.kind}`) },
          { title: t("text"), dataIndex: "text", ellipsis: true, width: 380 },
          { title: t("contact"), render: (_, item) => [item.contact, item.caller].filter(Boolean).join(" ") },
          {
            title: t("state"),
            render: (_, item) =>
              item.state === "done" ? t(`outcomes.${item.outcome ?? "none"}`) : item.state === "taken" ? `${t("intake.taken")} ${item.taken_by}` : <>{t("intake.new")} <Since at={item.at} /></>,
          },
          {
            key: "actions",
            render: (_, item) => (
              <Space>
                {item.state === "new" && (
                  <Button size="small" type="primary" onClick={() => act.mutate({ id: item.id, what: "take" })}>
                    {t("take")}
                  </Button>
                )}
                {item.state === "taken" && item.taken_by === me && (
                  <>
                    <Button size="small" type="primary" onClick={() => setSettled(item)}>
                      {t("settle")}
                    </Button>
                    <Button size="small" onClick={() => act.mutate({ id: item.id, what: "release" })}>
                      {t("release")}
                    </Button>
                  </>
                )}
              </Space>
            ),
          },
        ]}
      />
      {settled && <OutcomeForm item={settled} close={() => setSettled(null)} />}
    </>
  );
}
