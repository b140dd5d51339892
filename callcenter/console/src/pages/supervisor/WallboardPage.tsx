// The wallboard: how the hotline, the emergency line and the seats are, now and today (B1, B3, A1).
import { FullscreenOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Table, Tag } from "antd";
import { useTranslation } from "react-i18next";

import { query, type Schemas } from "../../api/client";
import { Loaded } from "../../ui/Loaded";
import { clock, duration, Since } from "../../ui/time";
import { Figure, percent, reaches, seconds } from "./Figure";
import { Reason } from "./Reason";
import { SEAT_COLOURS } from "./seatState";
import styles from "./supervisor.module.css";

type Board = Schemas["Wallboard"];
const AGAIN_MS = 2_000;

export default function WallboardPage() {
  const { t } = useTranslation("supervisor");
  const board = useQuery({ ...query("/api/v1/wallboard"), refetchInterval: AGAIN_MS });
  return (
    <section aria-label={t("wallboard.title")} id="wallboard" style={{ overflow: "auto" }}>
      <Loaded of={board}>
        {(data) => (
          <>
            <div className={styles.toolbar}>
              <h1>
                {t("wallboard.title")} <small className="quiet tabular">{clock(data.at)}</small>
              </h1>
              <Button
                icon={<FullscreenOutlined />}
                onClick={() => void document.getElementById("wallboard")?.requestFullscreen()}
              >
                {t("wallboard.fullScreen")}
              </Button>
            </div>
            <Emergency board={data} />
            <Hotline board={data} />
            <div className={styles.two}>
              <Queues board={data} />
              <div>
                <Seats board={data} />
                <Ratios board={data} />
              </div>
            </div>
          </>
        )}
      </Loaded>
    </section>
  );
}

function Emergency({ board }: { board: Board }) {
  const { t } = useTranslation("supervisor");
  const { emergency } = board;
  const limit = emergency.limit_seconds;
  const late = (ms: number | null) => (ms === null ? "plain" : ms <= limit * 1000 ? "good" : "bad");
  return (
    <>
      <h2 className={styles.heading}>{t("wallboard.emergency")}</h2>
      <div className={styles.grid}>
        <Figure title={t("wallboard.open")} value={emergency.open} />
        <Figure
          title={t("wallboard.needHuman")}
          value={emergency.waiting}
          judged={emergency.waiting ? "bad" : "good"}
          note={emergency.waiting ? duration(emergency.longest_wait_seconds) : undefined}
        />
        <Figure
          title={t("wallboard.share", { seconds: limit })}
          value={percent(emergency.share_within)}
          judged={reaches(emergency.share_within, 1)}
          note={`${t("wallboard.today")} ${emergency.calls}`}
        />
        <Figure title={t("wallboard.p50")} value={seconds(emergency.p50_ms, 1000)} judged={late(emergency.p50_ms)} />
        <Figure title={t("wallboard.p95")} value={seconds(emergency.p95_ms, 1000)} judged={late(emergency.p95_ms)} />
        <Figure title={t("wallboard.worst")} value={seconds(emergency.worst_ms, 1000)} judged={late(emergency.worst_ms)} />
      </div>
    </>
  );
}

function Hotline({ board }: { board: Board }) {
  const { t } = useTranslation("supervisor");
  const level = board.service_level;
  return (
    <>
      <h2 className={styles.heading}>{t("history.hotline")}</h2>
      <div className={styles.grid}>
        <Figure name="waiting" title={t("wallboard.waiting")} value={board.waiting} judged={board.waiting ? "warn" : "good"} />
        <Figure title={t("wallboard.longest")} value={duration(board.waited_longest_seconds)} />
        <Figure
          title={t("wallboard.serviceLevel")}
          value={percent(level.share)}
          judged={reaches(level.share, level.target)}
          note={
            level.within_seconds === null
              ? undefined
              : `${t("wallboard.within", { seconds: level.within_seconds })} · ${t("wallboard.target", { share: percent(level.target) })}`
          }
        />
        <Figure
          title={t("wallboard.connection")}
          value={percent(board.connection_rate)}
          judged={reaches(board.connection_rate, board.connection_target)}
          note={t("wallboard.target", { share: percent(board.connection_target) })}
        />
        <Figure
          name="abandoned"
          title={t("wallboard.abandoned")}
          value={board.abandoned}
          note={`${t("wallboard.offered")} ${board.offered} · ${t("wallboard.answered")} ${board.answered}`}
        />
        <Figure title={t("wallboard.average")} value={seconds(board.average_wait_seconds)} />
      </div>
    </>
  );
}

function Queues({ board }: { board: Board }) {
  const { t, i18n } = useTranslation("supervisor");
  const known = useQuery({ ...query("/api/v1/queues"), staleTime: 60_000 }).data?.items;
  const named = (code: string) => {
    const queue = known?.find((one) => one.code === code);
    return (i18n.language === "en" && queue?.name_en) || queue?.name || code;
  };
  return (
    <div>
      <h2 className={styles.heading}>{t("wallboard.queues")}</h2>
      <Table
        size="small"
        pagination={false}
        rowKey="code"
        dataSource={board.queues}
        columns={[
          { title: t("wallboard.queue"), render: (_, row) => named(row.code) },
          { title: t("wallboard.waiting"), dataIndex: "waiting", align: "right" },
          { title: t("wallboard.longest"), align: "right", render: (_, row) => duration(row.waited_longest_seconds) },
          {
            title: t("wallboard.serviceLevel"),
            align: "right",
            render: (_, row) => (
              <span className={reaches(row.service_level.share, row.service_level.target)}>
                {percent(row.service_level.share)}
              </span>
            ),
          },
          { title: t("wallboard.answered"), dataIndex: "answered", align: "right" },
          { title: t("wallboard.abandoned"), dataIndex: "abandoned", align: "right" },
        ]}
      />
    </div>
  );
}

function Seats({ board }: { board: Board }) {
  const { t } = useTranslation("supervisor");
  return (
    <>
      <h2 className={styles.heading}>
        {t("wallboard.seats")}{" "}
        {Object.entries(board.seats)
          .filter(([, count]) => count)
          .map(([state, count]) => (
            <Tag key={state} style={{ borderLeft: `4px solid ${SEAT_COLOURS[state]}` }}>
              {t(`seatState.${state}`)} {count}
            </Tag>
          ))}
      </h2>
      <div className={styles.seats}>
        {board.seat_list.map((seat) => (
          <div key={seat.user} className={styles.seat} style={{ borderLeftColor: SEAT_COLOURS[seat.state] }}>
            <b>{seat.user}</b>
            {t(`seatState.${seat.state}`)} <Since at={seat.since} />
            {seat.reason && <div className="quiet"><Reason of={seat.reason} /></div>}
          </div>
        ))}
      </div>
    </>
  );
}

function Ratios({ board }: { board: Board }) {
  const { t } = useTranslation("supervisor");
  const kinds = ["operators", "workers", "managers", "call_centre_staff"] as const;
  return (
    <>
      <h2 className={styles.heading}>{t("wallboard.ratios")}</h2>
      <Table
        size="small"
        pagination={false}
        rowKey="kind"
        showHeader={false}
        dataSource={kinds.map((kind) => ({ kind, ...board.ratios[kind] }))}
        columns={[
          { render: (_, row) => t(`wallboard.${row.kind}`) },
          { align: "right", render: (_, row) => (row.have === null ? t("wallboard.unknown") : `${t("wallboard.have")} ${row.have}`) },
          {
            align: "right",
            render: (_, row) => (
              <span className={row.met === null ? "" : row.met ? "good" : "bad"}>
                {t("wallboard.need")} {row.need}
                {row.missing ? `${t("wallboard.comma")}${t("wallboard.missing", { count: row.missing })}` : ""}
              </span>
            ),
          },
        ]}
      />
      {board.ratios.areas.length > 1 && <AreaRatios board={board} />}
    </>
  );
}

// Care workers and managers of each area against its elders (SZ 5.1).
function AreaRatios({ board }: { board: Board }) {
  const { t } = useTranslation("supervisor");
  const shown = (ratio: Board["ratios"]["workers"]) => (
    <span className={ratio.met === null ? "" : ratio.met ? "good" : "bad"}>
      {ratio.have ?? t("wallboard.unknown")} / {ratio.need}
    </span>
  );
  return (
    <Table
      size="small"
      pagination={false}
      rowKey="area"
      dataSource={board.ratios.areas}
      columns={[
        { title: t("wallboard.area"), render: (_, row) => row.area || t("wallboard.noArea") },
        { title: t("wallboard.elders"), dataIndex: "elders", align: "right" },
        { title: t("wallboard.workers"), align: "right", render: (_, row) => shown(row.workers) },
        { title: t("wallboard.managers"), align: "right", render: (_, row) => shown(row.managers) },
      ]}
    />
  );
}
