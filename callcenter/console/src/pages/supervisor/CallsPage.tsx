// Every call that is up, and the ways to be with it: listen, whisper, join, take over (B7).
import { useMutation, useQuery } from "@tanstack/react-query";
import { App, Button, Space, Table, Tag, Tooltip } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { api, call, query, type Schemas } from "../../api/client";
import { useSession } from "../../api/session";
import { queries } from "../../live/queries";
import { Loaded } from "../../ui/Loaded";
import { Since } from "../../ui/time";
import { why } from "../../ui/why";
import styles from "./supervisor.module.css";

type Call = Schemas["CallView"];
const MODES = ["listen", "whisper", "join", "take_over"] as const;
type Mode = (typeof MODES)[number];

export default function CallsPage() {
  const { t } = useTranslation("supervisor");
  const calls = useQuery({ ...query("/api/v1/calls", { params: { query: { live: true, limit: 200 } } }), refetchInterval: 15_000 });
  const columns = useMemo(
    () => [
      { title: t("calls.line"), width: 100, render: (_: unknown, row: Call) => <LineTag line={row.line} /> },
      { title: t("calls.caller"), dataIndex: "caller", width: 140, className: "tabular" },
      { title: t("calls.elder"), width: 110, render: (_: unknown, row: Call) => row.elder_name || t("calls.unknown") },
      { title: t("calls.state"), width: 250, render: (_: unknown, row: Call) => <State row={row} /> },
      { title: t("calls.duration"), width: 90, render: (_: unknown, row: Call) => <Since at={row.started_at} /> },
      { title: t("calls.people"), width: 250, render: (_: unknown, row: Call) => <People row={row} /> },
      { title: t("calls.actions"), width: 380, render: (_: unknown, row: Call) => <Monitor row={row} /> },
    ],
    [t],
  );
  return (
    <section aria-label={t("calls.title")}>
      <div className={styles.toolbar}>
        <h1>{t("calls.title")}</h1>
      </div>
      <Loaded of={calls} empty={(page) => !page.items.length}>
        {(page) => (
          <Table
            size="small"
            // Real rows, fifty at a time: a virtual table has none that a screen reader could read.
            pagination={{ pageSize: 50, hideOnSinglePage: true, showSizeChanger: false }}
            rowKey="id"
            scroll={{ x: 1320 }}
            dataSource={page.items}
            columns={columns}
          />
        )}
      </Loaded>
    </section>
  );
}

function LineTag({ line }: { line: string }) {
  const { t } = useTranslation("supervisor");
  return <Tag color={line === "emergency" ? "error" : "default"}>{t(`line.${line}`)}</Tag>;
}

function State({ row }: { row: Call }) {
  const { t } = useTranslation("supervisor");
  const staffed = row.legs.some((leg) => leg.role === "seat" && leg.state === "joined");
  const state = row.parked ? t("calls.parked", { slot: row.parked })
    : row.held ? t("calls.held")
    : staffed ? t("calls.talking")
    : t("calls.waiting");
  return (
    <>
      {state}
      {row.monitors.map(({ user, mode }) => (
        <Tag key={user} color="processing" style={{ marginInlineStart: 6 }}>
          {t("calls.monitored", { user, mode: t(`calls.${mode}`) })}
        </Tag>
      ))}
    </>
  );
}

function People({ row }: { row: Call }) {
  const { t } = useTranslation("supervisor");
  return (
    <Space size={4} wrap>
      {row.legs
        .filter((leg) => leg.state !== "ended")
        .map((leg) => (
          <Tooltip key={leg.id} title={t(`legState.${leg.state}`)}>
            <Tag color={leg.state === "joined" ? "success" : "default"}>
              {leg.role === "seat" ? leg.number : t(`role.${leg.role}`)}
            </Tag>
          </Tooltip>
        ))}
    </Space>
  );
}

function Monitor({ row }: { row: Call }) {
  const { t } = useTranslation("supervisor");
  const { message, modal } = App.useApp();
  const me = useSession((state) => state.account?.user);
  const mine = row.monitors.find(({ user }) => user === me);
  const params = { path: { call_id: row.id } };
  const done = {
    onSuccess: () => void queries.invalidateQueries({ queryKey: ["/api/v1/calls"] }),
    onError: (error: Error) => void message.error(why(error)),
  };
  const begin = useMutation({
    mutationFn: (mode: Mode) =>
      call(
        mine
          ? api.PUT("/api/v1/calls/{call_id}/monitor", { params, body: { mode } })
          : api.POST("/api/v1/calls/{call_id}/monitor", { params, body: { mode } }),
      ),
    ...done,
  });
  const end = useMutation({
    mutationFn: () => call(api.DELETE("/api/v1/calls/{call_id}/monitor", { params })),
    ...done,
  });
  const act = (mode: Mode) =>
    mode === "take_over"
      ? modal.confirm({ title: `${t("calls.take_over")}?`, onOk: () => begin.mutateAsync(mode).catch(() => undefined) })
      : begin.mutate(mode);
  return (
    <Space.Compact size="small">
      {MODES.map((mode) => (
        <Button
          key={mode}
          size="small"
          type={mine?.mode === mode ? "primary" : "default"}
          danger={mode === "take_over"}
          onClick={() => void act(mode)}
        >
          {t(`calls.${mode}`)}
        </Button>
      ))}
      {mine && (
        <Button size="small" onClick={() => end.mutate()}>
          {t("calls.end")}
        </Button>
      )}
    </Space.Compact>
  );
}
