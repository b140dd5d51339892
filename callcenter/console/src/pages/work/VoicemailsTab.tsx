// Messages callers left: each is listened to and then said to be done.
import { Button, Input, Modal, Segmented } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call } from "../../api/client";
import { usePages } from "../../api/pages";
import { Listen } from "../../ui/Listen";
import { MoreTable } from "../../ui/MoreTable";
import { duration, moment } from "../../ui/time";
import { useSaved } from "../../ui/useSaved";
import styles from "../../ui/list.module.css";

export function VoicemailsTab() {
  const { t } = useTranslation("work");
  const [state, setState] = useState<"new" | "done">("new");
  const found = usePages("/api/v1/voicemails", { state });
  const [closing, setClosing] = useState<string | null>(null);
  const [note, setNote] = useState("");
  const done = useSaved(
    "/api/v1/voicemails",
    (id: string) => call(api.POST("/api/v1/voicemails/{id}/done", { params: { path: { id } }, body: { note } })),
    () => (setClosing(null), setNote("")),
  );
  return (
    <>
      <div className={styles.toolbar}>
        <Segmented value={state} onChange={setState} options={(["new", "done"] as const).map((value) => ({ value, label: t(`intake.${value}`) }))} />
      </div>
      <MoreTable
        of={found}
        rowKey="id"
        columns={[
          { title: t("at"), render: (_, one) => moment(one.at), className: "tabular" },
          { title: t("number"), dataIndex: "caller", className: "tabular" },
          { title: t("elder"), dataIndex: "elder_name" },
          { title: t("length"), align: "right", render: (_, one) => duration(one.seconds) },
          { title: t("listen"), render: (_, one) => one.recording_id && <Listen path={`/api/v1/recordings/${one.recording_id}/audio`} from={one.offset_seconds} /> },
          { title: t("note"), render: (_, one) => one.note && `${one.handled_by}: ${one.note}` },
          {
            key: "actions",
            render: (_, one) =>
              one.state === "new" && (
                <Button size="small" type="primary" onClick={() => setClosing(one.id)}>
                  {t("done")}
                </Button>
              ),
          },
        ]}
      />
      <Modal open={closing !== null} title={t("done")} onCancel={() => setClosing(null)} onOk={() => closing && done.mutate(closing)} confirmLoading={done.isPending}>
        <Input.TextArea aria-label={t("note")} placeholder={t("note")} value={note} onChange={(event) => setNote(event.target.value)} maxLength={1000} autoSize={{ minRows: 3 }} />
      </Modal>
    </>
  );
}
