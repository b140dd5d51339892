// Between calls: how the queues stand, what waits for this operator, the calls taken last.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router-dom";

import { query } from "../../../api/client";
import { Loaded } from "../../../ui/Loaded";
import { duration, moment } from "../../../ui/time";
import { useMe } from "../data";
import styles from "../desk.module.css";
import { up } from "../shapes";
import { useDesk } from "../store";
import { QueueName } from "./CallWork";

const EVERY_MS = 2_000;
const WORK = ["callbacks", "follow_ups", "work_orders", "intake", "complaints", "voicemails"] as const;

export function Idle() {
  return (
    <>
      <div className={styles.workColumn} data-testid="idle-desk">
        <Queues />
        <MyWork />
      </div>
      <div className={styles.workColumn}>
        <LastCalls />
      </div>
    </>
  );
}

function Queues() {
  const { t } = useTranslation("desk");
  const board = useQuery({ ...query("/api/v1/wallboard"), queryKey: ["desk", "wallboard"], refetchInterval: EVERY_MS });
  return (
    <section className={styles.pane}>
      <h3>{t("idle.queues")}</h3>
      <Loaded of={board}>
        {(one) => (
          <>
            <div className={styles.figures}>
              <Figure name={t("idle.waiting")} value={one.waiting} bad={one.waiting > 0} />
              <Figure name={t("idle.longest")} value={duration(one.waited_longest_seconds)} bad={one.waited_longest_seconds > (one.service_level.within_seconds ?? 20)} />
              <Figure name={t("idle.level", { seconds: one.service_level.within_seconds ?? 20 })} value={share(one.service_level.share)} />
              <Figure name={t("idle.ready")} value={one.seats.ready ?? 0} />
            </div>
            <ul className={styles.rows} style={{ marginTop: 8 }}>
              {one.queues.map((queue) => (
                <li key={queue.code}>
                  <span className={styles.fill}>
                    <QueueName code={queue.code} />
                  </span>
                  <span className={queue.waiting ? "warn tabular" : "quiet tabular"}>{t("idle.inQueue", { count: queue.waiting })}</span>
                  <span className="tabular">{share(queue.service_level.share)}</span>
                </li>
              ))}
            </ul>
          </>
        )}
      </Loaded>
    </section>
  );
}

const share = (value: number | null) => (value === null ? "—" : `${Math.round(value * 100)} %`);

function Figure({ name, value, bad = false }: { name: string; value: string | number; bad?: boolean }) {
  return (
    <div className={styles.figure}>
      <b className={bad ? "warn" : ""}>{value}</b>
      <span className="quiet">{name}</span>
    </div>
  );
}

function MyWork() {
  const { t } = useTranslation("desk");
  const work = useQuery({ ...query("/api/v1/work/mine"), refetchInterval: 30_000 });
  return (
    <section className={styles.pane}>
      <h3>{t("idle.work")}</h3>
      <Loaded of={work}>
        {(one) => (
          <div className={styles.three}>
            {WORK.map((kind) => (
              <Link key={kind} to="/work" style={{ color: "inherit", textDecoration: "none" }}>
                <Figure name={t(`work.${kind}`)} value={one[kind].count} bad={one[kind].late > 0} />
              </Link>
            ))}
          </div>
        )}
      </Loaded>
    </section>
  );
}

function LastCalls() {
  const { t } = useTranslation("desk");
  const me = useMe();
  const set = useDesk((state) => state.set);
  const calls = useQuery({
    ...query("/api/v1/calls", { params: { query: { limit: 100 } } }),
    queryKey: ["desk", "last-calls"],
    select: ({ items }) => items.filter(({ legs }) => legs.some((leg) => leg.role === "seat" && leg.number === me && leg.joined_at !== null)).slice(0, 15),
  });
  return (
    <section className={styles.pane}>
      <h3>{t("idle.lastCalls")}</h3>
      <Loaded of={calls} empty={(all) => !all.length} emptyText={t("idle.noCalls")}>
        {(all) => (
          <ul className={styles.rows}>
            {all.map((one) => (
              <li key={one.id}>
                <span className="tabular quiet">{moment(one.started_at).slice(5)}</span>
                <span className={styles.fill}>
                  <b>{one.elder_name || one.caller || t("unknownCaller")}</b> <span className="quiet">{one.note}</span>
                </span>
                <span className={one.line === "emergency" ? "bad" : "quiet"}>{t(`line.${one.line}`)}</span>
                {one.disposition ? (
                  <span className="quiet">{t(`disposition.${one.disposition}`)}</span>
                ) : (
                  one.line === "hotline" &&
                  !one.legs.some(up) && (
                    <button type="button" className={styles.link} onClick={() => set({ working: one.id })}>
                      {t("idle.finish")}
                    </button>
                  )
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </section>
  );
}
