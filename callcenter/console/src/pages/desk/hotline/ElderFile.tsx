// Who calls: her file, her people, what is open for her, what she called about lately; or how to find out.
import { Alert, Button, Space, Tag } from "antd";
import { useEffect, useLayoutEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api } from "../../../api/client";
import { Loaded } from "../../../ui/Loaded";
import { moment } from "../../../ui/time";
import { insist } from "../ask";
import styles from "../desk.module.css";
import { useActing } from "../emergency/actions";
import { age } from "../emergency/person";
import { useKeys } from "../keys";
import type { Call, Elder } from "../shapes";
import { show } from "../store";
import { ElderSearch } from "./ElderSearch";
import { QuickCreate } from "./QuickCreate";
import { Raise } from "./Raise";
import { measurePop, useScreen, type Screen } from "./screen";

type Finding = "search" | "create" | null;

export function ElderFile({ callId, call }: { callId: string; call: Call | undefined }) {
  const { t } = useTranslation("desk");
  const screen = useScreen(callId);
  const { act, busy } = useActing();
  const [finding, setFinding] = useState<Finding>(null);
  const known = screen.data?.elder ?? null;
  const unknown = screen.data !== undefined && known === null;
  useEffect(() => setFinding(null), [known?.id]);
  useKeys([{ keys: ["Alt+S"], name: "search", act: () => setFinding((was) => (was === "search" ? null : "search")) }]);
  const match = (elder_id: string) =>
    void act("match", () => insist(() => api.POST("/api/v1/calls/{call_id}/elder", { params: { path: { call_id: callId } }, body: { elder_id } })));
  const caller = call?.caller || screen.data?.caller || "";
  return (
    <Loaded of={screen}>
      {(data) => (
        <>
          <Popped id={callId} />
          <section className={styles.pane} aria-label={t("file.title")} data-testid="screen-pop">
            {known ? <Person elder={known} caller={caller} relative={data.relative?.name ?? ""} /> : <div className={styles.big}>{caller || t("noNumber")}</div>}
            {unknown && (
              <>
                <p className="warn">{t(data.candidates.length ? "file.ambiguous" : "file.unknown")}</p>
                <Candidates of={data.candidates} choose={match} busy={busy.has("match")} />
              </>
            )}
            <Space style={{ marginTop: 8 }}>
              <Button size="small" onClick={() => setFinding(finding === "search" ? null : "search")}>
                {t(known ? "file.another" : "file.search")} <kbd aria-hidden>Alt+S</kbd>
              </Button>
              {!known && (
                <Button size="small" onClick={() => setFinding(finding === "create" ? null : "create")}>
                  {t("file.create")}
                </Button>
              )}
              <Raise elderId={known?.id ?? null} caller={caller} call={call} hers={!known || known.phones.includes(caller)} />
            </Space>
            {(finding === "search" || (unknown && finding === null && !data.candidates.length)) && <ElderSearch choose={match} />}
            {finding === "create" && <QuickCreate callId={callId} phone={caller} made={match} />}
          </section>
          {data.open_emergencies.map((one) => (
            <Alert
              key={one.id}
              type="error"
              showIcon
              title={t("file.openEmergency", { kind: t(`kinds.${one.kind}`), at: moment(one.opened_at) })}
              action={<Button size="small" danger onClick={() => show(one.id)}>{t("file.open")}</Button>}
            />
          ))}
          {known && <About data={data} />}
        </>
      )}
    </Loaded>
  );
}

/** Says when the file is on the screen. */
function Popped({ id }: { id: string }) {
  useLayoutEffect(() => {
    const frame = requestAnimationFrame(() => measurePop(id));
    return () => cancelAnimationFrame(frame);
  }, [id]);
  return null;
}

function Person({ elder, caller, relative }: { elder: Elder; caller: string; relative: string }) {
  const { t } = useTranslation("desk");
  const years = age(elder.birth_date);
  return (
    <>
      <div className={styles.big}>{elder.name}</div>
      <div className="quiet">
        {[elder.sex && t(`sex.${elder.sex}`), years !== null && t("years", { years }), elder.area, elder.code].filter(Boolean).join(" · ")}
      </div>
      <div className="tabular">{relative ? t("file.relative", { relative, caller }) : caller && !elder.phones.includes(caller) ? t("file.callsFrom", { caller }) : caller}</div>
      <div>{elder.address}</div>
      <div style={{ margin: "4px 0" }}>
        {elder.groups.map((group) => (
          <Tag key={group}>{group}</Tag>
        ))}
      </div>
      {elder.medical_notes && <div className={styles.medical}>{elder.medical_notes}</div>}
    </>
  );
}

function Candidates({ of, choose, busy }: { of: Screen["candidates"]; choose: (id: string) => void; busy: boolean }) {
  const { t } = useTranslation("desk");
  return (
    <ul className={styles.rows}>
      {of.map((one) => (
        <li key={one.id}>
          <b>{one.name}</b>
          <span className={styles.fill}>{[one.code, one.address].filter(Boolean).join(" · ")}</span>
          <Button size="small" loading={busy} onClick={() => choose(one.id)}>
            {t("file.isHer")}
          </Button>
        </li>
      ))}
    </ul>
  );
}

function About({ data }: { data: Screen }) {
  const { t, i18n } = useTranslation("desk");
  const orderTitle = ({ summary, title, kind }: Screen["open_orders"][number]) =>
    summary || title?.[i18n.language === "en" ? "en" : "zh"] || t(`orderKind.${kind}`);
  return (
    <>
      <List title={t("file.contacts")} of={data.contacts}>
        {(one) => (
          <>
            <span className="quiet">{t(`roles.${one.role}`)}</span>
            <span className={styles.fill}>{one.name}</span>
            <span className="tabular">{one.phone}</span>
          </>
        )}
      </List>
      <List title={t("file.orders")} of={data.open_orders}>
        {(one) => (
          <>
            <span className="tabular quiet">{one.number}</span>
            <span className={styles.fill} title={orderTitle(one)}>{orderTitle(one)}</span>
            <span>{t(`order.${one.state}`)}</span>
          </>
        )}
      </List>
      <List title={t("file.followUps")} of={data.open_follow_ups}>
        {(one) => (
          <>
            <span className={styles.fill}>{t("file.due", { at: moment(one.due_at) })}</span>
            {Date.parse(one.due_at) < Date.now() && <span className="bad">{t("file.overdue")}</span>}
          </>
        )}
      </List>
      <List title={t("file.complaints")} of={data.complaints}>
        {(one) => (
          <>
            <span className={styles.fill} title={one.text}>{one.text}</span>
            <span className="quiet">{t("file.due", { at: moment(one.due_at) })}</span>
          </>
        )}
      </List>
      <List title={t("file.intake")} of={data.intake}>
        {(one) => (
          <>
            <span className={styles.fill} title={one.text}>{one.text || t(`itemKind.${one.kind}`)}</span>
            <span className="quiet">{moment(one.at)}</span>
          </>
        )}
      </List>
      <List title={t("file.lastCalls")} of={data.last_calls} empty={t("file.firstCall")}>
        {(one) => (
          <>
            <span className="tabular quiet">{moment(one.started_at)}</span>
            <span className={styles.fill} title={one.note}>{one.note || t(`line.${one.line}`)}</span>
            <span className="quiet">{one.disposition && t(`disposition.${one.disposition}`)}</span>
          </>
        )}
      </List>
    </>
  );
}

function List<T>({ title, of, empty, children }: { title: string; of: T[]; empty?: string; children: (one: T) => ReactNode }) {
  if (!of.length && !empty) return null;
  return (
    <section className={styles.pane}>
      <h3>
        {title} {of.length > 0 && <span className="quiet">{of.length}</span>}
      </h3>
      {of.length ? (
        <ul className={styles.rows}>
          {of.map((one, index) => (
            <li key={(one as { id?: string }).id ?? index}>{children(one)}</li>
          ))}
        </ul>
      ) : (
        <span className="quiet">{empty}</span>
      )}
    </section>
  );
}
