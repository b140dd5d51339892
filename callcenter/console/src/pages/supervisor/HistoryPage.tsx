// Figures of the past: hotline, emergency answers, seats' time; as charts, tables, and files (B1, A1).
import { DownloadOutlined } from "@ant-design/icons";
import { App, Button, DatePicker, Segmented, Space, Tabs } from "antd";
import type { Dayjs } from "dayjs";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { download } from "../../api/download";
import { moment, today } from "../../ui/shanghai";
import { why } from "../../ui/why";
import { AnswerTimesTab } from "./history/AnswerTimesTab";
import { HotlineTab } from "./history/HotlineTab";
import { SeatTimeTab } from "./history/SeatTimeTab";
import styles from "./supervisor.module.css";

export interface Period {
  since: string;
  until: string;
  by: By;
}
type By = "hour" | "day" | "queue" | "operator";

const FILES = { hotline: ["csv", "xlsx"], emergency: ["csv"], seatTime: ["csv", "xlsx"] } as const;
const PATHS = { hotline: "hotline", emergency: "answer-times", seatTime: "seats" } as const;
type Tab = keyof typeof FILES;

export default function HistoryPage() {
  const { t } = useTranslation("supervisor");
  const { message } = App.useApp();
  const [range, setRange] = useState<[Dayjs, Dayjs]>(() => [today().subtract(6, "day"), today().endOf("day")]);
  const [by, setBy] = useState<By>("day");
  const [tab, setTab] = useState<Tab>("hotline");
  const period: Period = { since: moment(range[0]), until: moment(range[1]), by };
  const save = (form: string) => {
    const asked = new URLSearchParams({ since: period.since, until: period.until });
    if (tab === "seatTime") asked.set("by_day", String(by === "day"));
    else asked.set("by", tab === "emergency" && (by === "queue" || by === "operator") ? "none" : by);
    download(`/api/v1/statistics/${PATHS[tab]}.${form}?${asked}`, `${PATHS[tab]}.${form}`).catch((error: Error) =>
      message.error(why(error)),
    );
  };
  return (
    <section aria-label={t("history.title")} style={{ overflow: "auto" }}>
      <div className={styles.toolbar}>
        <h1>{t("history.title")}</h1>
        <DatePicker.RangePicker
          allowClear={false}
          value={range}
          maxDate={today().endOf("day")}
          onChange={(dates) => dates?.[0] && dates[1] && setRange([dates[0].startOf("day"), dates[1].endOf("day")])}
        />
        <Segmented
          aria-label={t("history.by")}
          value={by}
          onChange={setBy}
          options={(["hour", "day", "queue", "operator"] as const).map((value) => ({ value, label: t(`history.${value}`) }))}
        />
        <Space>
          {FILES[tab].map((form) => (
            <Button key={form} icon={<DownloadOutlined />} onClick={() => save(form)}>
              {t(`history.${form}`)}
            </Button>
          ))}
        </Space>
      </div>
      <Tabs
        activeKey={tab}
        onChange={(key) => setTab(key as Tab)}
        items={[
          { key: "hotline", label: t("history.hotline"), children: <HotlineTab {...period} /> },
          { key: "emergency", label: t("history.emergency"), children: <AnswerTimesTab {...period} /> },
          { key: "seatTime", label: t("history.seatTime"), children: <SeatTimeTab {...period} /> },
        ]}
      />
    </section>
  );
}
