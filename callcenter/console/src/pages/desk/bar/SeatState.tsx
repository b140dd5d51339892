// What the seat does and since when: ready, paused with a reason, the clock of the after-work.
import { Button, Dropdown } from "antd";
import { useTranslation } from "react-i18next";

import { duration, Since, useNow } from "../../../ui/time";
import { Keys } from "../../../ui/Keys";
import { useSeat } from "../data";
import styles from "../desk.module.css";
import { useKeys } from "../keys";
import { useSeatActions } from "./actions";

const REASONS = ["break", "lunch", "training", "meeting", "paperwork", "toilet"] as const;
const EXTEND_SECONDS = 60;
const CLASS: Record<string, string> = { ready: "good", talking: "good", monitoring: "good", ringing: "warn", wrap_up: "warn", paused: "warn", offline: "bad" };

export function SeatState() {
  const { t } = useTranslation("desk");
  const seat = useSeat().data;
  const actions = useSeatActions();
  const paused = seat?.declared === "paused";
  const wrapping = seat?.state === "wrap_up";
  const toggle = () => void actions.declare(paused ? "ready" : "paused", paused ? "" : t("pause.break"));
  const done = () => void actions.wrapUp({ done: true });
  useKeys([
    { keys: ["Alt+R"], name: "ready", act: seat ? toggle : undefined },
    { keys: ["Alt+W"], name: "wrapUp", act: wrapping ? done : undefined },
  ]);
  if (!seat) return null;
  return (
    <span className={styles.state} data-testid="seat-state" data-state={seat.state}>
      <b className={CLASS[seat.state]} role="status">
        {t(`seat.${seat.state}`)}
      </b>
      {seat.state === "paused" && <span className="quiet">{t(`pause.${seat.reason}`, { defaultValue: seat.reason })}</span>}
      {wrapping && seat.deadline ? (
        <Countdown to={seat.deadline} />
      ) : (
        <span className="quiet" hidden={seat.state === "talking" || seat.state === "ringing"}>
          <Since at={seat.state_since} />
        </span>
      )}
      {wrapping && (
        <>
          <Button size="small" type="primary" onClick={done} data-testid="wrap-up-done">
            {t("bar.wrapDone")}
            <Keys of="Alt+W" />
          </Button>
          <Button size="small" onClick={() => void actions.wrapUp({ extend_seconds: EXTEND_SECONDS })}>
            +{EXTEND_SECONDS} s
          </Button>
        </>
      )}
      <Dropdown.Button
        size="small"
        style={{ width: "auto" }}
        type={paused ? "primary" : "default"}
        loading={actions.busy.has("declare")}
        onClick={toggle}
        buttonsRender={([left, right]) => [left, right]}
        menu={{
          items: REASONS.map((reason) => ({ key: reason, label: t(`pause.${reason}`) })),
          onClick: ({ key }) => void actions.declare("paused", t(`pause.${key}`)),
        }}
      >
        {paused ? t("bar.ready") : t("bar.pause")}
        {seat.state !== "talking" && seat.state !== "ringing" && <Keys of="Alt+R" />}
      </Dropdown.Button>
    </span>
  );
}

function Countdown({ to }: { to: string }) {
  return <span className="tabular warn">{duration((Date.parse(to) - useNow()) / 1000)}</span>;
}
