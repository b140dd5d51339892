// Giving a caller to somebody else, or bringing somebody in: whom, and how.
import { useQuery } from "@tanstack/react-query";
import { Input, Modal, Radio, Select, Tabs } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { query } from "../../../api/client";
import { useMe, useMyCall } from "../data";
import { useDesk } from "../store";
import { useCallActions, type TransferMode } from "./actions";

type Target = "seat" | "queue" | "number";

export function TransferDialog() {
  const { t, i18n } = useTranslation("desk");
  const me = useMe();
  const set = useDesk((state) => state.set);
  const actions = useCallActions(useMyCall());
  const [target, setTarget] = useState<Target>("seat");
  const [mode, setMode] = useState<TransferMode>("attended");
  const [to, setTo] = useState("");
  const seats = useQuery({ ...query("/api/v1/seats"), refetchInterval: 3_000 });
  const queues = useQuery(query("/api/v1/queues"));
  const close = () => set({ dialog: null });
  const go = async () => {
    if (to.trim() && (await actions.transfer(`${target}:${to.trim()}`, target === "queue" ? "blind" : mode))) close();
  };
  const seatOptions = (seats.data?.items ?? [])
    .filter(({ user, state, role }) => user !== me && state !== "offline" && role !== "test")
    .sort((a, b) => Number(b.state === "ready") - Number(a.state === "ready"))
    .map(({ user, state }) => ({ value: user, label: `${user} · ${t(`seat.${state}`)}`, disabled: state === "talking" || state === "ringing" }));
  const queueOptions = (queues.data?.items ?? []).map((one) => ({ value: one.code, label: (i18n.language === "en" && one.name_en) || one.name || one.code }));
  const select = (options: { value: string; label: string }[]) => (
    <Select autoFocus showSearch={{ optionFilterProp: "label" }} style={{ width: "100%" }} value={to || null} options={options} onChange={setTo} aria-label={t("transfer.to")} placeholder={t("transfer.to")} notFoundContent={t("transfer.nobody")} />
  );
  return (
    <Modal open title={t("transfer.title")} okText={t(mode === "invite" ? "transfer.invite" : "transfer.go")} cancelText={t("cancel")} okButtonProps={{ disabled: !to.trim(), loading: actions.busy.has("transfer") }} onOk={() => void go()} onCancel={close} width={440}>
      <Tabs
        activeKey={target}
        onChange={(key) => {
          setTarget(key as Target);
          setTo("");
        }}
        items={[
          { key: "seat", label: t("transfer.seat"), children: select(seatOptions) },
          { key: "queue", label: t("transfer.queue"), children: select(queueOptions) },
          {
            key: "number",
            label: t("transfer.number"),
            children: <Input autoFocus inputMode="tel" value={to} onChange={({ target: input }) => setTo(input.value)} onPressEnter={() => void go()} placeholder={t("transfer.numberHint")} aria-label={t("transfer.number")} />,
          },
        ]}
      />
      {target !== "queue" && (
        <Radio.Group style={{ marginTop: 14 }} value={mode} onChange={({ target: radio }) => setMode(radio.value as TransferMode)} options={(["attended", "blind", "invite"] as const).map((value) => ({ value, label: t(`transfer.${value}`) }))} />
      )}
      <p className="quiet">{t(`transfer.hint.${target === "queue" ? "blind" : mode}`)}</p>
    </Modal>
  );
}
