// How long each seat was in which state.
import { useQuery } from "@tanstack/react-query";
import { Table } from "antd";
import { useTranslation } from "react-i18next";

import { query } from "../../../api/client";
import { Loaded } from "../../../ui/Loaded";
import { duration } from "../../../ui/time";
import type { Period } from "../HistoryPage";
import { SEAT_COLOURS } from "../seatState";

const STATES = Object.keys(SEAT_COLOURS);

export function SeatTimeTab({ since, until, by }: Period) {
  const { t } = useTranslation("supervisor");
  const byDay = by === "day";
  const found = useQuery(query("/api/v1/statistics/seats", { params: { query: { since, until, by_day: byDay } } }));
  return (
    <Loaded of={found} empty={(data) => !data.items.length}>
      {(data) => (
        <Table
          size="small"
          rowKey={(row) => `${row.user} ${row.day ?? ""}`}
          scroll={{ x: "max-content" }}
          pagination={{ pageSize: 50, hideOnSinglePage: true }}
          dataSource={data.items}
          columns={[
            { title: t("seats.seat"), dataIndex: "user" },
            ...(byDay ? [{ title: t("history.day"), dataIndex: "day" }] : []),
            ...STATES.map((state) => ({
              title: t(`seatState.${state}`),
              align: "right" as const,
              render: (_: unknown, row: (typeof data.items)[number]) => (
                <span className="tabular">{row.seconds[state] ? duration(row.seconds[state]) : "—"}</span>
              ),
            })),
            {
              title: t("seats.pauseReason"),
              render: (_, row) =>
                Object.entries(row.paused)
                  .map(([reason, time]) => `${reason ? t(`desk:pause.${reason}`, { defaultValue: reason }) : "—"} ${duration(time)}`)
                  .join("，"),
            },
          ]}
        />
      )}
    </Loaded>
  );
}
