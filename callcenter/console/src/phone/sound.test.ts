// Microphones that are refused, pulled out and plugged in again; with a browser's devices made of objects.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Sound } from "./sound";
import type { Devices, Problem } from "./types";

class Track extends EventTarget {
  enabled = true;
  stopped = false;
  onended: (() => void) | null = null;
  constructor(
    readonly label: string,
    private readonly id: string,
  ) {
    super();
  }
  stop() {
    this.stopped = true;
  }
  getSettings() {
    return { deviceId: this.id };
  }
}

class Desk extends EventTarget {
  plugged: { deviceId: string; label: string; kind: MediaDeviceKind }[] = [];
  refusal = "";
  tracks: Track[] = [];
  asked: MediaTrackConstraints[] = [];

  plug(kind: MediaDeviceKind, ...ids: string[]) {
    this.plugged.push(...ids.map((deviceId) => ({ deviceId, label: `${deviceId}!`, kind })));
    return this.tell();
  }

  async pull(id: string) {
    this.plugged = this.plugged.filter(({ deviceId }) => deviceId !== id);
    for (const track of this.tracks) if (track.label === `${id}!` && !track.stopped) track.onended?.();
    await this.tell();
  }

  async tell() {
    this.dispatchEvent(new Event("devicechange"));
    await new Promise((resolve) => setTimeout(resolve));
  }

  enumerateDevices = async () => this.plugged;

  getUserMedia = async ({ audio }: { audio: MediaTrackConstraints }) => {
    this.asked.push(audio);
    const inputs = this.plugged.filter(({ kind }) => kind === "audioinput");
    if (this.refusal || !inputs[0]) throw new DOMException("no", this.refusal || "NotFoundError");
    const ideal = (audio.deviceId as { ideal?: string } | undefined)?.ideal;
    const chosen = inputs.find(({ deviceId }) => deviceId === ideal) ?? inputs[0];
    const track = new Track(chosen.label, chosen.deviceId);
    this.tracks.push(track);
    return { getAudioTracks: () => [track], getTracks: () => [track] };
  };
}

let desk: Desk;
let problems: (Problem | null)[];
let gone: [string, string | null][];
let spoken: string[];
let shown: Devices | null;

function made(): Sound {
  return new Sound({
    devices: (devices) => (shown = devices),
    problem: (problem) => problems.push(problem),
    track: (track) => spoken.push(track.label),
    gone: (kind, instead) => gone.push([kind, instead]),
  });
}

beforeEach(() => {
  desk = new Desk();
  [problems, gone, spoken, shown] = [[], [], [], null];
  localStorage.clear();
  vi.stubGlobal("navigator", Object.assign(Object.create(navigator) as object, { mediaDevices: desk }));
  HTMLMediaElement.prototype.play = async () => undefined;
  HTMLMediaElement.prototype.pause = () => undefined;
});
afterEach(() => vi.unstubAllGlobals());

describe("a microphone", () => {
  it("given a refusal then it is explained, and no phone begins", async () => {
    desk.refusal = "NotAllowedError";
    expect(await made().start()).toBe(false);
    expect(problems).toEqual(["microphone_denied"]);
  });

  it("given none then it is waited for, and used when it is plugged in", async () => {
    const sound = made();
    expect(await sound.start()).toBe(false);
    await desk.plug("audioinput", "headset");
    expect(problems).toEqual(["microphone_missing", null]);
    expect(sound.microphone).not.toBeNull();
  });

  it("given a choice then that one is used, now and the next time", async () => {
    await desk.plug("audioinput", "laptop", "headset");
    const sound = made();
    await sound.start();
    await sound.choose({ input: "headset", processing: false });
    expect(spoken).toEqual(["laptop!", "headset!"]);
    expect(desk.asked.at(-1)).toMatchObject({ deviceId: { ideal: "headset" }, echoCancellation: false });
    expect(desk.tracks[0]?.stopped).toBe(true);
    const next = made();
    await next.start();
    expect(spoken.at(-1)).toBe("headset!");
  });

  it("given that it is pulled out then another takes its place, and it is used again when it is back", async () => {
    await desk.plug("audioinput", "laptop", "headset");
    const sound = made();
    await sound.start();
    await sound.choose({ input: "headset" });
    await desk.pull("headset");
    expect(gone).toEqual([["input", "laptop!"]]);
    expect(spoken.at(-1)).toBe("laptop!");
    await desk.plug("audioinput", "headset");
    expect(spoken.at(-1)).toBe("headset!");
    expect(shown?.inputs.map(({ id }) => id)).toEqual(["laptop", "headset"]);
  });

  it("given that one is muted when another takes its place then that is muted, too", async () => {
    await desk.plug("audioinput", "laptop", "headset");
    const sound = made();
    await sound.start();
    sound.mute(true);
    await desk.pull("laptop");
    expect(desk.tracks.at(-1)?.label).toBe("headset!");
    expect(desk.tracks.at(-1)?.enabled).toBe(false);
  });

  it("given the end then nothing listens any more", async () => {
    await desk.plug("audioinput", "laptop");
    const sound = made();
    await sound.start();
    sound.stop();
    expect(desk.tracks.every(({ stopped }) => stopped)).toBe(true);
    const asked = desk.asked.length;
    await desk.plug("audioinput", "headset");
    expect(desk.asked.length).toBe(asked);
  });
});

it("given a loudspeaker that was chosen and is pulled out then it is told", async () => {
  await desk.plug("audioinput", "laptop");
  await desk.plug("audiooutput", "box", "screen");
  const sound = made();
  await sound.start();
  await sound.choose({ output: "box" });
  await desk.pull("box");
  expect(gone).toEqual([["output", "screen!"]]);
});
