// How fast emergencies were answered by the machine and by a human, against 5 s (A1).
import { useQuery } from "@tanstack/react-query";
import { Table } from "antd";
import { useTranslation } from "react-i18next";

import { query, type Schemas } from "../../../api/client";
import { Loaded } from "../../../ui/Loaded";
import { Figure, percent, reaches, seconds } from "../Figure";
import type { Period } from "../HistoryPage";
import styles from "../supervisor.module.css";

type Figures = Schemas["Figures"];

export function AnswerTimesTab({ since, until, by }: Period) {
  const { t } = useTranslation("supervisor");
  // Incidents belong to no queue and to no operator.
  const grouping = by === "queue" || by === "operator" ? "none" : by;
  const found = useQuery(query("/api/v1/statistics/answer-times", { params: { query: { since, until, by: grouping } } }));
  return (
    <Loaded of={found}>
      {(data) => (
        <>
          <Summary figures={data.total} limit={data.limit_seconds} />
          <Table
            size="small"
            style={{ marginTop: 14 }}
            rowKey="key"
            pagination={{ pageSize: 31, hideOnSinglePage: true }}
            scroll={{ x: "max-content" }}
            dataSource={data.groups}
            columns={[
              { title: t("history.key"), dataIndex: "key" },
              { title: t("history.incidents"), dataIndex: "incidents", align: "right" },
              { title: t("history.answered"), dataIndex: "answered", align: "right" },
              { title: t("history.abandoned"), dataIndex: "abandoned", align: "right" },
              {
                title: t("history.limit", { seconds: data.limit_seconds }),
                align: "right",
                render: (_, row) => <span className={reaches(row.human.share_within_limit, 1)}>{percent(row.human.share_within_limit)}</span>,
              },
              { title: t("wallboard.p50"), align: "right", render: (_, row) => seconds(row.human.p50_ms, 1000) },
              { title: t("wallboard.p95"), align: "right", render: (_, row) => seconds(row.human.p95_ms, 1000) },
              { title: t("wallboard.worst"), align: "right", render: (_, row) => seconds(row.human.worst_ms, 1000) },
            ]}
          />
        </>
      )}
    </Loaded>
  );
}

function Summary({ figures, limit }: { figures: Figures; limit: number }) {
  const { t } = useTranslation("supervisor");
  return (
    <div className={styles.grid}>
      <Figure title={t("history.incidents")} value={figures.incidents} />
      <Figure
        title={t("wallboard.share", { seconds: limit })}
        value={percent(figures.human.share_within_limit)}
        judged={reaches(figures.human.share_within_limit, 1)}
      />
      <Figure title={t("wallboard.p50")} value={seconds(figures.human.p50_ms, 1000)} />
      <Figure title={t("wallboard.p95")} value={seconds(figures.human.p95_ms, 1000)} />
      <Figure title={t("wallboard.worst")} value={seconds(figures.human.worst_ms, 1000)} />
    </div>
  );
}
