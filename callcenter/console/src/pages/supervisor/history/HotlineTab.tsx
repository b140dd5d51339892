// The hotline's history by hour, day, queue or operator.
import { useQuery } from "@tanstack/react-query";
import { Table } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { query, type Schemas } from "../../../api/client";
import { Chart } from "../../../ui/Chart";
import { Loaded } from "../../../ui/Loaded";
import { duration } from "../../../ui/time";
import { percent, reaches, seconds } from "../Figure";
import type { Period } from "../HistoryPage";

type Group = Schemas["HotlineGroup"];

export function HotlineTab({ since, until, by }: Period) {
  const found = useQuery(query("/api/v1/statistics/hotline", { params: { query: { since, until, by } } }));
  return (
    <Loaded of={found}>
      {(data) =>
        by === "operator" ? <Operators rows={data.operators} /> : <Groups groups={data.groups} total={data.total} />
      }
    </Loaded>
  );
}

function Groups({ groups, total }: { groups: Group[]; total: Group }) {
  const { t } = useTranslation("supervisor");
  const option = useMemo(
    () => ({
      tooltip: { trigger: "axis" },
      legend: { top: 0 },
      grid: { left: 40, right: 50, bottom: 30, top: 40 },
      xAxis: { type: "category", data: groups.map((group) => group.key) },
      yAxis: [
        { type: "value", minInterval: 1 },
        { type: "value", max: 100, axisLabel: { formatter: "{value}%" } },
      ],
      series: [
        { name: t("history.answered"), type: "bar", barMaxWidth: 56, stack: "calls", data: groups.map((group) => group.answered), color: "#1f6feb" },
        { name: t("history.abandoned"), type: "bar", barMaxWidth: 56, stack: "calls", data: groups.map((group) => group.abandoned), color: "#cf222e" },
        {
          name: t("history.serviceLevel"),
          type: "line",
          yAxisIndex: 1,
          color: "#2da44e",
          data: groups.map((group) => (group.service_level.share === null ? null : Math.round(group.service_level.share * 1000) / 10)),
        },
      ],
    }),
    [groups, t],
  );
  return (
    <>
      <Chart option={option} label={t("history.hotline")} />
      <Table
        size="small"
        rowKey="key"
        scroll={{ x: "max-content" }}
        pagination={{ pageSize: 31, hideOnSinglePage: true }}
        dataSource={[...groups, { ...total, key: t("history.total") }]}
        columns={[
          { title: t("history.key"), dataIndex: "key" },
          { title: t("history.offered"), dataIndex: "offered", align: "right" },
          { title: t("history.answered"), dataIndex: "answered", align: "right" },
          { title: t("history.abandoned"), dataIndex: "abandoned", align: "right" },
          {
            title: t("history.connection"),
            align: "right",
            render: (_, row) => <span className={reaches(row.connection_rate, row.connection_target)}>{percent(row.connection_rate)}</span>,
          },
          {
            title: t("history.serviceLevel"),
            align: "right",
            render: (_, row) => <span className={reaches(row.service_level.share, row.service_level.target)}>{percent(row.service_level.share)}</span>,
          },
          { title: t("history.wait"), align: "right", render: (_, row) => seconds(row.average_wait_seconds) },
          { title: t("history.longest"), align: "right", render: (_, row) => seconds(row.longest_wait_seconds) },
          { title: t("history.talk"), align: "right", render: (_, row) => (row.answered ? duration(row.talk_seconds / row.answered) : "—") },
          { title: t("history.transfers"), dataIndex: "transfers", align: "right" },
        ]}
      />
    </>
  );
}

function Operators({ rows }: { rows: Schemas["OperatorFigures"][] }) {
  const { t } = useTranslation("supervisor");
  return (
    <Table
      size="small"
      rowKey="key"
      pagination={false}
      dataSource={rows}
      columns={[
        { title: t("history.operator"), dataIndex: "key" },
        { title: t("history.offered"), dataIndex: "offered", align: "right" },
        { title: t("history.answered"), dataIndex: "answered", align: "right" },
        { title: t("history.missed"), dataIndex: "missed", align: "right" },
        { title: t("history.ring"), align: "right", render: (_, row) => seconds(row.average_ring_seconds) },
        { title: t("history.talk"), align: "right", render: (_, row) => (row.answered ? duration(row.talk_seconds / row.answered) : "—") },
        { title: t("history.hold"), align: "right", render: (_, row) => duration(row.hold_seconds) },
        { title: t("seatState.wrap_up"), align: "right", render: (_, row) => duration(row.wrap_up_seconds) },
        { title: t("history.transfers"), dataIndex: "transfers", align: "right" },
      ]}
    />
  );
}
