// Microphone, loudspeaker and ringer: which there are, which are used, what happens when one is pulled out.
//
// The microphone stays open while the phone is on: opening it takes up to seconds with some headsets, and an elder
// would wait for them.
import { Level } from "./level";
import { Ringtone } from "./ringtone";
import { problemOf } from "./rules";
import type { Device, Devices, Problem } from "./types";

const KEY = "callcenter.phone.devices";

interface AudioEvents {
  devices(devices: Devices): void;
  problem(problem: Problem | null): void;
  /** Another track speaks from now on. */
  track(track: MediaStreamTrack): void;
  gone(kind: "input" | "output", instead: string | null): void;
}

type Choice = Pick<Devices, "input" | "output" | "ringer" | "processing">;

function kept(): Choice {
  const none: Choice = { input: "", output: "", ringer: "", processing: true };
  try {
    return { ...none, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Choice>) };
  } catch {
    return none;
  }
}

export class Sound {
  readonly ringtone = new Ringtone(() => this.blocked());
  private readonly choice = kept();
  private readonly speaker = new Audio();
  private stream: MediaStream | null = null;
  private context: AudioContext | null = null;
  private levels: { own: Level; remote: Level } | null = null;
  private remote: MediaStream | null = null;
  private silent = false;
  private inputs: Device[] = [];
  private outputs: Device[] = [];
  private on = false;
  private permission: PermissionStatus | null = null;

  constructor(private readonly tell: AudioEvents) {
    this.speaker.autoplay = true;
  }

  /** Open the microphone; whether there is one. */
  async start(): Promise<boolean> {
    if (!navigator.mediaDevices) {
      this.tell.problem("insecure_page");
      return false;
    }
    if (!this.on) navigator.mediaDevices.addEventListener("devicechange", this.changed);
    this.on = true;
    void this.watchPermission();
    const open = await this.open();
    await this.list();
    return open;
  }

  stop(): void {
    this.on = false;
    navigator.mediaDevices?.removeEventListener("devicechange", this.changed);
    this.ringtone.stop();
    this.hear(null);
    this.release();
    void this.context?.close();
    this.context = this.levels = null;
  }

  get microphone(): MediaStream | null {
    return this.stream;
  }

  get devices(): Devices {
    return { inputs: this.inputs, outputs: this.outputs, ...this.choice };
  }

  async choose(choice: Partial<Choice>): Promise<void> {
    const before = { ...this.choice };
    Object.assign(this.choice, choice);
    localStorage.setItem(KEY, JSON.stringify(this.choice));
    if (before.input !== this.choice.input || before.processing !== this.choice.processing) await this.open();
    await this.route();
    this.tell.devices(this.devices);
  }

  mute(silent: boolean): void {
    this.silent = silent;
    for (const track of this.stream?.getAudioTracks() ?? []) track.enabled = !silent;
  }

  /** Play what the far end says. */
  hear(remote: MediaStream | null): void {
    this.remote = remote;
    this.speaker.srcObject = remote;
    this.levels?.remote.listen(remote);
    if (remote) this.speaker.play().catch((error: DOMException) => error.name === "NotAllowedError" && this.blocked());
  }

  /** How loud one's own voice and the far end are, 0 … 1. */
  level(): { own: number; remote: number } {
    const levels = this.measured();
    return { own: levels.own.read(), remote: levels.remote.read() };
  }

  /** How loud (dB) the far end is at these frequencies. */
  heard(hertz: number[]): number[] {
    return this.measured().remote.at(hertz);
  }

  private measured(): { own: Level; remote: Level } {
    if (!this.context || !this.levels) {
      this.context = new AudioContext();
      this.levels = { own: new Level(this.context), remote: new Level(this.context) };
      this.levels.own.listen(this.stream);
      this.levels.remote.listen(this.remote);
    }
    if (this.context.state === "suspended") void this.context.resume();
    return this.levels;
  }

  /** Open the microphone that was chosen, or another; whether there is one. */
  async open(): Promise<boolean> {
    const { input, processing } = this.choice;
    const wanted: MediaTrackConstraints = {
      echoCancellation: processing,
      noiseSuppression: processing,
      autoGainControl: processing,
      // "ideal": a headset that is not there today must not keep the phone from working.
      ...(input ? { deviceId: { ideal: input } } : {}),
    };
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
    } catch (error) {
      this.release();
      this.tell.problem(problemOf((error as DOMException).name));
      return false;
    }
    this.release();
    const [track] = stream.getAudioTracks();
    if (!this.on || !track) {
      stream.getTracks().forEach((one) => one.stop());
      return false;
    }
    this.stream = stream;
    track.enabled = !this.silent;
    track.onended = () => void this.lost(track.label);
    this.levels?.own.listen(stream);
    this.tell.problem(null);
    this.tell.track(track);
    return true;
  }

  private release(): void {
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.stream = null;
    this.levels?.own.listen(null);
  }

  private async lost(label: string): Promise<void> {
    await this.open();
    const now = this.stream?.getAudioTracks()[0]?.label ?? null;
    if (now !== label) this.tell.gone("input", now);
  }

  /** One that is allowed again is used again, without a word. */
  private async watchPermission(): Promise<void> {
    if (this.permission) return;
    try {
      this.permission = await navigator.permissions.query({ name: "microphone" as PermissionName });
      this.permission.onchange = () => {
        if (this.on && !this.stream && this.permission?.state === "granted") void this.open();
      };
    } catch {
      // Not every browser can be asked; there, somebody clicks.
    }
  }

  private changed = async () => {
    const before = this.outputs;
    await this.list();
    if (!this.stream) await this.open();
    const { output } = this.choice;
    const had = (all: Device[]) => all.some(({ id }) => id === output);
    if (output && had(before) && !had(this.outputs)) this.tell.gone("output", this.outputs[0]?.label ?? null);
    // One that was plugged in again is used again.
    const { input } = this.choice;
    const used = this.stream?.getAudioTracks()[0]?.getSettings().deviceId;
    if (input && used !== input && this.inputs.some(({ id }) => id === input)) await this.open();
  };

  private async list(): Promise<void> {
    const all = await navigator.mediaDevices.enumerateDevices();
    const of = (kind: MediaDeviceKind) =>
      all.filter((one) => one.kind === kind && one.deviceId).map((one) => ({ id: one.deviceId, label: one.label }));
    this.inputs = of("audioinput");
    this.outputs = of("audiooutput");
    await this.route();
    this.tell.devices(this.devices);
  }

  private async route(): Promise<void> {
    const there = (id: string) => (this.outputs.some((one) => one.id === id) ? id : "");
    await Promise.allSettled([
      this.speaker.setSinkId?.(there(this.choice.output)),
      this.ringtone.on(there(this.choice.ringer)),
    ]);
  }

  /** The browser plays nothing before somebody clicks: say so, and go on at the first click or key. */
  private blocked(): void {
    this.tell.problem("sound_blocked");
    const again = () => {
      removeEventListener("pointerdown", again, true);
      removeEventListener("keydown", again, true);
      this.tell.problem(null);
      if (this.remote) void this.speaker.play();
    };
    addEventListener("pointerdown", again, true);
    addEventListener("keydown", again, true);
  }
}
