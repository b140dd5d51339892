// Every seat: what it does, for how long and why; a supervisor pauses it, frees it, says what it can do (B7).
import { useMutation, useQuery } from "@tanstack/react-query";
import { App, Button, Space, Table, Tag } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call, query, type Schemas } from "../../api/client";
import { queries } from "../../live/queries";
import { Loaded } from "../../ui/Loaded";
import { duration, Since, useNow } from "../../ui/time";
import { why } from "../../ui/why";
import { Reason } from "./Reason";
import { SEAT_COLOURS } from "./seatState";
import { SkillsForm } from "./SkillsForm";
import styles from "./supervisor.module.css";

export type Seat = Schemas["SeatView"];

export default function SeatsPage() {
  const { t } = useTranslation("supervisor");
  const seats = useQuery({ ...query("/api/v1/seats"), refetchInterval: 15_000 });
  const [edited, setEdited] = useState<Seat | null>(null);
  return (
    <section aria-label={t("seats.title")}>
      <div className={styles.toolbar}>
        <h1>{t("seats.title")}</h1>
      </div>
      <Loaded of={seats} empty={(page) => !page.items.length}>
        {(page) => (
          <Table
            size="small"
            pagination={false}
            rowKey="user"
            scroll={{ x: "max-content" }}
            dataSource={page.items}
            columns={[
              { title: t("seats.seat"), render: (_, seat) => <SeatName seat={seat} /> },
              { title: t("seats.state"), render: (_, seat) => <SeatTag seat={seat} /> },
              { title: t("seats.since"), render: (_, seat) => <Since at={seat.state_since} /> },
              { title: t("seats.reason"), render: (_, seat) => <Reason of={seat.reason} /> },
              { title: t("seats.phone"), render: (_, seat) => <Phone seat={seat} /> },
              {
                title: t("seats.skills"),
                render: (_, seat) =>
                  Object.entries(seat.skills).map(([skill, level]) => (
                    <Tag key={skill}>
                      {skill} {level}
                    </Tag>
                  )),
              },
              { title: t("seats.area"), dataIndex: "area" },
              {
                title: t("seats.actions"),
                render: (_, seat) => (
                  <Space>
                    <Declare seat={seat} />
                    <Button size="small" onClick={() => setEdited(seat)}>
                      {t("seats.editSkills")}
                    </Button>
                  </Space>
                ),
              },
            ]}
          />
        )}
      </Loaded>
      {edited && <SkillsForm seat={edited} close={() => setEdited(null)} />}
    </section>
  );
}

function SeatName({ seat }: { seat: Seat }) {
  const { t } = useTranslation("supervisor");
  return (
    <>
      <b>{seat.user}</b> <span className="quiet">{t(`role.${seat.role}`)}</span>
    </>
  );
}

function SeatTag({ seat }: { seat: Seat }) {
  const { t } = useTranslation("supervisor");
  const now = useNow();
  const left = seat.deadline ? (Date.parse(seat.deadline) - now) / 1000 : 0;
  return (
    <Tag style={{ borderLeft: `5px solid ${SEAT_COLOURS[seat.state]}` }}>
      {t(`seatState.${seat.state}`)}
      {left > 0 && <span className="tabular"> · {t("seats.deadline")} {duration(left)}</span>}
    </Tag>
  );
}

function Phone({ seat }: { seat: Seat }) {
  const { t } = useTranslation("supervisor");
  if (!seat.registered) return <span className="quiet">{t("seats.noPhone")}</span>;
  return <>{t(seat.phone?.kind === "web" ? "seats.web" : "seats.sip")}</>;
}

function Declare({ seat }: { seat: Seat }) {
  const { t } = useTranslation("supervisor");
  const { message, modal } = App.useApp();
  const declare = useMutation({
    mutationFn: (state: "ready" | "paused") =>
      call(api.PUT("/api/v1/seats/{user}/state", { params: { path: { user: seat.user } }, body: { state, reason: "" } })),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ["/api/v1/seats"] }),
    onError: (error) => void message.error(why(error)),
  });
  const paused = seat.declared === "paused";
  return (
    <Button
      size="small"
      loading={declare.isPending}
      onClick={() =>
        paused
          ? declare.mutate("ready")
          : modal.confirm({ title: `${t("seats.pause")} ${seat.user}?`, onOk: () => declare.mutateAsync("paused").catch(() => undefined) })
      }
    >
      {t(paused ? "seats.ready" : "seats.pause")}
    </Button>
  );
}
