// The call at hand: who, how long, and the buttons that make sense now.
import { AudioMutedOutlined, AudioOutlined, PauseOutlined, PhoneFilled, PhoneOutlined, SwapOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { useLocation, useNavigate } from "react-router-dom";

import { broken, phone, usePhone } from "../../../phone";
import { Keys } from "../../../ui/Keys";
import { Since } from "../../../ui/time";
import { useMe, useSeat } from "../data";
import styles from "../desk.module.css";
import { useKeys } from "../keys";
import { mine, up, type Call } from "../shapes";
import { useDesk } from "../store";
import { useCallActions } from "./actions";

export function CallPart({ call, name: given }: { call: Call | undefined; name: string | undefined }) {
  const { t } = useTranslation("desk");
  const me = useMe();
  const seat = useSeat().data;
  const [state] = usePhone();
  const set = useDesk((desk) => desk.set);
  const actions = useCallActions(call);
  const navigate = useNavigate();
  const atDesk = useLocation().pathname === "/desk";
  const inPage = state.call?.kind === "seat";
  const test = state.call?.kind === "test";
  const how = call ? mine(call.legs, me) : "none";
  const rings = (inPage && state.call?.state === "ringing") || (how === "ringing" && !inPage);
  const here = inPage && state.call?.state === "ringing";
  const answering = inPage && state.call?.state === "answering";
  const talks = !rings && (inPage || how === "talking" || seat?.state === "talking");
  const routine = call !== undefined && call.line !== "emergency";
  // What the server does with a call it does once it knows that somebody has answered it.
  const inHand = talks && routine && how === "talking";
  const acts = {
    answer: here ? () => phone.answer() : undefined,
    hangUp: test || inPage || (talks && routine) ? () => (test ? phone.hangUp() : void actions.hangUp()) : undefined,
    mute: inPage && talks ? () => phone.mute(!state.muted) : undefined,
    hold: inHand ? () => void actions.hold() : undefined,
    transfer: inHand && !call.transfer ? () => set({ dialog: "transfer" }) : undefined,
    complete: call?.transfer && canComplete(call, me) ? () => void actions.complete() : undefined,
    cancel: call?.transfer?.by === me ? () => void actions.cancel() : undefined,
    park: inHand && !call.transfer ? () => void actions.park() : undefined,
    keypad: talks && inPage ? () => set({ dialog: "keypad" }) : undefined,
  };
  useKeys([
    { keys: ["F2"], name: "answer", act: acts.answer },
    { keys: ["F4"], name: "hangUp", act: acts.hangUp },
    { keys: ["F8"], name: "mute", act: acts.mute },
    { keys: ["F9"], name: "hold", act: acts.hold },
    { keys: ["Alt+T"], name: "transfer", act: acts.transfer },
    { keys: ["Alt+Y"], name: "complete", act: acts.complete },
    { keys: ["Alt+U"], name: "cancelTransfer", act: acts.cancel },
    { keys: ["Alt+P"], name: "park", act: acts.park },
    { keys: ["Alt+K"], name: "keypad", act: acts.keypad },
  ]);
  if (!call && !state.call) return null;
  const name = test ? t("phone.testCall") : call?.elder_name || call?.caller || given || state.call?.name || state.call?.number;
  return (
    <>
      <span className={styles.current} data-how={rings ? "ringing" : "talking"} data-held={call?.held} data-testid="current-call">
        <b role="status">{t(rings ? "bar.rings" : answering ? "bar.answering" : call?.held ? "bar.held" : test ? "bar.test" : "bar.talks")}</b> {name}
        {call?.elder_name && call.caller && <span className="quiet tabular">{call.caller}</span>}
        <span aria-hidden>
          <Since at={call ? (call.human_at ?? call.started_at) : new Date(state.call?.since ?? 0).toISOString()} />
        </span>
        {broken(state) && <b className="bad" role="alert">{t("bar.audioLost")}</b>}
      </span>
      {routine && !atDesk && (
        <Button size="small" onClick={() => navigate("/desk")} data-testid="open-file">
          {t("bar.file")}
          <Keys of="Alt+1" />
        </Button>
      )}
      {acts.answer && (
        <Button type="primary" size="small" icon={<PhoneFilled />} onClick={acts.answer} data-testid="answer">
          {t("bar.answer")}
          <Keys of="F2" />
        </Button>
      )}
      {rings && !here && !test && <span className="warn">{t("bar.atPhone")}</span>}
      {acts.mute && (
        <Button size="small" type={state.muted ? "primary" : "default"} aria-pressed={state.muted} icon={state.muted ? <AudioMutedOutlined /> : <AudioOutlined />} onClick={acts.mute}>
          {t(state.muted ? "bar.unmute" : "bar.mute")}
          <Keys of="F8" />
        </Button>
      )}
      {acts.hold && (
        <Button size="small" type={call?.held ? "primary" : "default"} aria-pressed={call?.held} icon={<PauseOutlined />} loading={actions.busy.has("hold")} onClick={acts.hold} data-testid="hold">
          {t(call?.held ? "bar.resume" : "bar.hold")}
          <Keys of="F9" />
        </Button>
      )}
      {call?.transfer ? (
        <Transferring call={call} me={me} actions={actions} />
      ) : (
        acts.transfer && (
          <Button size="small" icon={<SwapOutlined />} onClick={acts.transfer} data-testid="transfer">
            {t("bar.transfer")}
            <Keys of="Alt+T" />
          </Button>
        )
      )}
      {acts.park && (
        <Button size="small" loading={actions.busy.has("park")} onClick={acts.park}>
          {t("bar.park")}
          <Keys of="Alt+P" />
        </Button>
      )}
      {acts.keypad && (
        <Button size="small" onClick={acts.keypad}>
          {t("bar.keypad")}
          <Keys of="Alt+K" />
        </Button>
      )}
      {call && <Guests call={call} me={me} remove={(leg) => void actions.remove(leg)} />}
      {acts.hangUp && (
        <Button size="small" danger icon={<PhoneOutlined rotate={135} />} onClick={acts.hangUp} data-testid="hang-up">
          {t(here ? "bar.decline" : "bar.hangUp")}
          <Keys of="F4" />
        </Button>
      )}
    </>
  );
}

/** Whether somebody has answered who could take the caller. */
function canComplete({ transfer, legs }: Call, me: string): boolean {
  return transfer?.by === me && legs.some(({ id, state }) => id === transfer.leg_id && state === "joined");
}

function Transferring({ call, me, actions }: { call: Call; me: string; actions: ReturnType<typeof useCallActions> }) {
  const { t } = useTranslation("desk");
  const transfer = call.transfer;
  if (!transfer) return null;
  if (transfer.by !== me) return <span role="status">{t("transfer.toYou", { by: transfer.by })}</span>;
  const leg = call.legs.find(({ id }) => id === transfer.leg_id);
  return (
    <span className={styles.state}>
      <span role="status">
        {t("transfer.underWay", { to: leg?.name || transfer.to.replace(/^\w+:/, "") })} {leg && t(`leg.${leg.state}`)}
      </span>
      {transfer.mode === "attended" && (
        <Button size="small" type="primary" disabled={!canComplete(call, me)} loading={actions.busy.has("complete")} onClick={() => void actions.complete()} data-testid="transfer-complete">
          {t("transfer.complete")}
          <Keys of="Alt+Y" />
        </Button>
      )}
      <Button size="small" loading={actions.busy.has("cancelTransfer")} onClick={() => void actions.cancel()} data-testid="transfer-cancel">
        {t("transfer.cancel")}
        <Keys of="Alt+U" />
      </Button>
    </span>
  );
}

/** Who else is on an ordinary call, beside the caller and oneself. */
function Guests({ call, me, remove }: { call: Call; me: string; remove: (leg: string) => void }) {
  const { t } = useTranslation("desk");
  // A colleague who sends her to me sees to himself; one click here would take him out.
  if (call.transfer && call.transfer.by !== me) return null;
  const guests = call.legs.filter((leg) => up(leg) && leg.role !== "elder" && leg.number !== me && leg.id !== call.transfer?.leg_id && leg.role !== "monitor");
  return guests.map((leg) => (
    <Button key={leg.id} size="small" title={t("emergency.remove")} onClick={() => remove(leg.id)}>
      {leg.name || leg.number} · {t(`leg.${leg.state}`)} ✕
    </Button>
  ));
}
