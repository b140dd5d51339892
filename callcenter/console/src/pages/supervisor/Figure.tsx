// One large figure of the wallboard: what it is, how much, and whether that is good.
import { Card } from "antd";
import type { ReactNode } from "react";

import styles from "./supervisor.module.css";

export type Judgement = "good" | "warn" | "bad" | "plain";

interface Props {
  title: string;
  value: ReactNode;
  note?: ReactNode;
  judged?: Judgement;
  /** By which it is found in the page. */
  name?: string;
}

export function Figure({ title, value, note, judged = "plain", name }: Props) {
  return (
    <Card size="small" className={styles.figure} variant="outlined">
      <div className="quiet">{title}</div>
      <div data-figure={name} className={`${styles.value} tabular ${judged === "plain" ? "" : judged}`}>{value}</div>
      <div className={`${styles.note} quiet tabular`}>{note ?? "\u00a0"}</div>
    </Card>
  );
}

/** 0.934 → 93.4 %; a dash when it is not known. */
export function percent(share: number | null | undefined): string {
  return share == null ? "—" : `${(share * 100).toFixed(1).replace(/\.0$/, "")}%`;
}

/** 4321 → 4.3 s; a dash when it is not known. */
export function seconds(value: number | null | undefined, unit = 1): string {
  return value == null ? "—" : `${(value / unit).toFixed(1)} s`;
}

/** Whether a share reaches its target; nothing is judged that is not known. */
export function reaches(share: number | null | undefined, target: number | null | undefined): Judgement {
  if (share == null || target == null) return "plain";
  return share >= target ? "good" : share >= target - 0.05 ? "warn" : "bad";
}
