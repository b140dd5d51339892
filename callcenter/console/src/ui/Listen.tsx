// Audio of the API, fetched with the sign-in when it is asked for, and its waves to click into.
import { PauseOutlined, CaretRightOutlined } from "@ant-design/icons";
import { Button, Space } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import WaveSurfer from "wavesurfer.js";

import { token } from "../api/session";
import { duration } from "./time";

interface Props {
  /** Where the audio is, e.g. /api/v1/recordings/…/audio. */
  path: string;
  /** Where to begin, in seconds. */
  from?: number;
}

/** A player that loads at the first click: a list of a hundred recordings fetches none of them. */
export function Listen({ path, from = 0 }: Props) {
  const { t } = useTranslation();
  const place = useRef<HTMLDivElement>(null);
  const waves = useRef<WaveSurfer | null>(null);
  const [state, setState] = useState<"idle" | "loading" | "playing" | "paused" | "failed">("idle");
  const [at, setAt] = useState(0);
  useEffect(() => () => waves.current?.destroy(), []);

  const load = async () => {
    if (!place.current) return;
    setState("loading");
    const answer = await fetch(path, { headers: { Authorization: `Bearer ${await token()}` } });
    if (!answer.ok) return setState("failed");
    const surfer = WaveSurfer.create({ container: place.current, height: 36, waveColor: "#8c959f", progressColor: "#1f6feb", normalize: true });
    waves.current = surfer;
    surfer.on("timeupdate", setAt);
    surfer.on("play", () => setState("playing"));
    surfer.on("pause", () => setState("paused"));
    surfer.on("error", () => setState("failed"));
    await surfer.loadBlob(await answer.blob());
    surfer.setTime(from);
    await surfer.play();
  };
  const toggle = () => (waves.current ? void waves.current.playPause() : void load().catch(() => setState("failed")));
  const playing = state === "playing";
  return (
    <Space>
      <Button
        size="small"
        loading={state === "loading"}
        icon={playing ? <PauseOutlined /> : <CaretRightOutlined />}
        aria-label={t(playing ? "listen.pause" : "listen.play")}
        onClick={toggle}
      />
      <div ref={place} style={{ width: state === "idle" ? 0 : 220 }} />
      {state === "failed" ? <span className="bad">{t("listen.failed")}</span> : state !== "idle" && <span className="tabular">{duration(at)}</span>}
    </Space>
  );
}
