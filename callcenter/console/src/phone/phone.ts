// The phone in the page: registers, rings, talks, and is back by itself after whatever breaks.
import { UA } from "jssip";
import type { RTCSession } from "jssip/lib/RTCSession";
import type { IncomingRTCSessionEvent, OutgoingRTCSessionEvent } from "jssip/lib/UA";

import { Emitter } from "./emitter";
import { Line } from "./line";
import { OneTab } from "./onetab";
import type { Pattern } from "./ringtone";
import { asksForAnswer, KEYS } from "./rules";
import { PhoneSocket } from "./socket";
import { Sound } from "./sound";
import type { LineStats } from "./stats";
import { every } from "./ticker";
import type { Credentials, Devices, EndReason, PhoneCall, PhoneEvents, PhoneState, Problem } from "./types";
import { Watchdog } from "./watchdog";

const TICK_MS = 1_000;
const EXPIRES_SECONDS = 60;
const RECOVERY = { connection_recovery_min_interval: 1, connection_recovery_max_interval: 2 };
/** Credentials are read anew before those of a TURN server run out, and soon after they were refused. */
const CREDENTIALS_MS = 3_600_000;
const REFUSED_MS = 5_000;
const REJECTIONS = [401, 403, 404, 407];
const ECHO = "*43";
const VOICELESS_MS = 8_000;

export class Phone extends Emitter<PhoneEvents> {
  private current: PhoneState;
  private load: (() => Promise<Credentials>) | null = null;
  private credentials: Credentials | null = null;
  private readAt = 0;
  private refused = false;
  private agent: UA | null = null;
  private socket: PhoneSocket | null = null;
  private watchdog: Watchdog | null = null;
  private line: Line | null = null;
  private voiceAt = 0;
  private stopTicking: (() => void) | null = null;
  private readonly sound: Sound;
  private readonly tab: OneTab;

  constructor() {
    super();
    this.sound = new Sound({
      devices: (devices) => this.set({ devices }),
      problem: (problem) => this.hindered(problem),
      track: (track) => this.line?.speakWith(track),
      gone: (kind, label) => this.emit("device", { kind, label }),
    });
    this.tab = new OneTab({
      mine: () => void this.begin(),
      waiting: () => this.set({ status: "waiting" }),
      taken: () => this.taken(),
    });
    this.current = { status: "off", problem: null, call: null, muted: false, devices: this.sound.devices };
  }

  get state(): PhoneState {
    return this.current;
  }

  /** Be the phone of `user` until `disconnect`. `load` reads the credentials, again when they are refused or old. */
  connect(user: string, load: () => Promise<Credentials>): void {
    this.disconnect();
    this.load = load;
    addEventListener("pagehide", this.leave);
    addEventListener("offline", this.offline);
    addEventListener("online", this.online);
    if (!isSecureContext) return this.set({ status: "blocked", problem: "insecure_page" });
    this.tab.start(user);
  }

  disconnect(): void {
    removeEventListener("pagehide", this.leave);
    removeEventListener("offline", this.offline);
    removeEventListener("online", this.online);
    this.load = null;
    this.tab.stop();
    this.end("hung_up");
    this.set({ status: "off", problem: null, muted: false });
  }

  /** Another tab, or a page on another machine, is the phone now. */
  taken(): void {
    if (this.current.status === "off") return;
    this.end("taken");
    this.set({ status: "waiting" });
  }

  /** Take the phone over from another tab or machine; a call there ends. */
  takeOver(): void {
    if (this.current.status !== "waiting") return;
    if (this.tab.isMine) void this.begin();
    else this.tab.take();
  }

  /** Ask for the microphone again, after it was refused or missing; also in a call. */
  async retry(): Promise<void> {
    if (this.line && !this.sound.microphone) await this.sound.open();
    else if (this.current.status === "blocked" && this.load && isSecureContext) await this.begin();
  }

  answer(): void {
    const { microphone } = this.sound;
    if (!this.line?.rings || !microphone) return;
    this.sound.ringtone.stop();
    this.mute(false);
    this.line.answer(microphone, this.iceServers());
  }

  hangUp(): void {
    this.line?.hangUp();
  }

  mute(muted: boolean): void {
    this.sound.mute(muted);
    if (muted !== this.current.muted) this.set({ muted });
  }

  /** The server says whether anything of this phone's voice arrives. */
  unheard(unheard: boolean): void {
    this.line?.unheard(unheard);
  }

  /** The network seems to be back: connect now, not at the next try. */
  hurry(): void {
    this.socket?.hurry(Date.now());
  }

  /** Press keys (0-9, *, #) in the call. */
  keys(digits: string): void {
    if (KEYS.test(digits)) this.line?.keys(digits);
  }

  /** Call the echo: what one says comes back. */
  test(): void {
    const { microphone } = this.sound;
    if (this.line || !microphone || !this.agent || !this.credentials) return;
    this.mute(false);
    const target = `sip:${ECHO}@${this.credentials.domain}`;
    const session = this.agent.call(target, { mediaStream: microphone, pcConfig: { iceServers: this.iceServers() } });
    this.take(session, { direction: "out", kind: "test", number: ECHO, name: "", state: "calling", auto: false });
  }

  /** How the call that rings sounds; calm unless somebody says otherwise. */
  ringAs(pattern: Pattern): void {
    if (this.line?.rings) this.sound.ringtone.play(pattern);
  }

  choose(devices: Partial<Pick<Devices, "input" | "output" | "ringer" | "processing">>): Promise<void> {
    return this.sound.choose(devices);
  }

  /** Loudness of one's own voice and of the far end, 0 … 1; ask as often as it is drawn. */
  level(): { own: number; remote: number } {
    return this.sound.level();
  }

  /** How loud (dB) the far end is at these frequencies (Hz). */
  heard(hertz: number[]): number[] {
    return this.sound.heard(hertz);
  }

  /** Packets and quality of the line; null without a call. */
  stats(): Promise<LineStats> | null {
    return this.line?.stats() ?? null;
  }

  // --- registration ------------------------------------------------------------------------------------------

  private async begin(): Promise<void> {
    this.end("hung_up");
    this.set({ status: "connecting" });
    if (!(await this.sound.start()) || !this.load) return;
    this.stopTicking = every(TICK_MS, () => this.tick());
    await this.register();
  }

  private async register(): Promise<void> {
    const { load } = this;
    if (!load) return;
    this.readAt = Date.now();
    try {
      this.credentials = await load();
    } catch {
      this.readAt = Date.now() - CREDENTIALS_MS + REFUSED_MS;
      return; // the server cannot be reached, or does not let us: the tick asks again
    }
    if (this.load !== load || !this.sound.microphone) return;
    // A call that talks on is not ended for it: what it is registered with can wait.
    if (!this.agent || (this.refused && !this.line)) this.start(this.credentials);
  }

  private start({ user, password, domain, ws_url }: Credentials): void {
    this.agent?.stop();
    const socket = new PhoneSocket(ws_url, () => this.told());
    const agent = new UA({
      sockets: [socket],
      uri: `sip:${user}@${domain}`,
      password,
      register_expires: EXPIRES_SECONDS,
      session_timers: false,
      no_answer_timeout: 600,
      user_agent: "callcenter console",
      ...RECOVERY,
    });
    this.socket = socket;
    this.agent = agent;
    const watchdog = new Watchdog(
      () => agent.register(),
      () => socket.drop("no answer"),
    );
    this.watchdog = watchdog;
    this.refused = false;
    // It registers as soon as it is connected; a server that has only just begun may swallow that.
    agent.on("connected", () => watchdog.asked(Date.now()));
    agent.on("registered", () => {
      if (this.agent !== agent) return;
      this.set({ status: "registered", problem: this.sound.microphone ? null : this.current.problem });
      this.line?.mend();
    });
    agent.on("unregistered", () => this.agent === agent && this.lost());
    agent.on("disconnected", () => this.agent === agent && this.lost());
    agent.on("registrationFailed", ({ response }) => {
      if (this.agent !== agent) return;
      this.lost();
      if (!response) return;
      // Not yet, or no such phone, or another password: soon read anew what to register with.
      this.refused = true;
      this.readAt = Date.now() - CREDENTIALS_MS + REFUSED_MS;
      if (REJECTIONS.includes(response.status_code)) this.set({ problem: "rejected" });
    });
    agent.on("newRTCSession", ({ session, request, originator }: IncomingRTCSessionEvent | OutgoingRTCSessionEvent) => {
      if (String(originator) === "remote") this.ring(session, (name) => request.getHeader(name));
    });
    agent.start();
  }

  private told(): void {
    this.watchdog?.heard(Date.now());
    if (this.current.status === "registered") this.line?.mend();
  }

  private lost(): void {
    if (this.current.status === "registered") this.set({ status: "lost" });
  }

  /** Have the server say something. */
  private ask(): void {
    if (this.socket?.isConnected()) this.watchdog?.askNow(Date.now());
  }

  private tick(): void {
    const now = Date.now();
    if (this.socket?.isConnected()) this.watchdog?.tick(now);
    else this.socket?.tick(now);
    this.line?.tick(now);
    // Who cannot speak is no help: the caller is the next one's, unless another microphone is found at once.
    if (this.sound.microphone) this.voiceAt = now;
    else if (this.line && now - this.voiceAt >= VOICELESS_MS) this.line.hangUp("lost");
    if (now - this.readAt >= CREDENTIALS_MS) void this.register();
  }

  private end(reason: EndReason): void {
    this.stopTicking?.();
    this.stopTicking = null;
    this.line?.hangUp(reason);
    const { agent } = this;
    this.agent = null;
    this.socket = null;
    this.watchdog = null;
    agent?.stop();
    this.sound.stop();
  }

  private readonly leave = ({ persisted }: PageTransitionEvent) => {
    // Without this word the others would wait half a minute for a page that is gone.
    this.line?.hangUp("lost");
    this.agent?.stop();
    if (persisted) addEventListener("pageshow", () => location.reload(), { once: true });
  };

  private readonly online = () => this.hurry();

  private readonly offline = () => this.socket?.drop("the network is gone");

  private hindered(problem: Problem | null): void {
    if (problem === this.current.problem) return;
    if (problem === null && this.current.problem === "rejected") return;
    if (problem !== null && problem !== "sound_blocked" && !this.line) return this.block(problem);
    this.set({ problem });
    if (problem === null && this.current.status === "blocked" && this.load) void this.begin();
  }

  /** A phone without a voice must not ring: somebody would be kept waiting by it. */
  private block(problem: Problem | null): void {
    this.agent?.stop();
    this.agent = null;
    this.set({ status: "blocked", problem });
  }

  // --- calls -------------------------------------------------------------------------------------------------

  private ring(session: RTCSession, header: (name: string) => string | undefined): void {
    // The server rings a seat that talks for nobody: a call that is deaf has ended there, and that was not heard here.
    if (this.line?.deaf(Date.now())) this.line.hangUp("lost");
    const auto = (this.credentials?.auto_answer ?? false) && asksForAnswer(header);
    const { uri, display_name } = session.remote_identity;
    if (this.line?.now.kind === "test") this.line.hangUp();
    if (this.line) return session.terminate({ status_code: 486 });
    const line = this.take(session, {
      direction: "in",
      kind: "seat",
      number: String(uri.user ?? ""),
      name: display_name ?? "",
      state: "ringing",
      auto,
    });
    this.emit("ringing", line.now);
    if (auto) this.answer();
    else this.sound.ringtone.play("calm");
  }

  private take(session: RTCSession, of: Pick<PhoneCall, "direction" | "kind" | "number" | "name" | "state" | "auto">): Line {
    const call: PhoneCall = { id: session.id, media: "connecting", unheard: false, since: Date.now(), answeredAt: null, ...of };
    const line: Line = new Line(session, call, {
      changed: (now) => this.line === line && this.set({ call: now }),
      heard: (remote) => this.line === line && this.sound.hear(remote),
      hurt: () => this.line === line && this.ask(),
      ended: (last, reason) => {
        if (this.line !== line) return;
        this.line = null;
        this.sound.ringtone.stop();
        this.sound.hear(null);
        this.mute(false);
        this.set({ call: null });
        this.emit("ended", { call: last, reason });
        if (this.agent && !this.sound.microphone) this.block(this.current.problem);
      },
    });
    this.line = line;
    this.set({ call });
    return line;
  }

  private iceServers(): RTCIceServer[] {
    return (this.credentials?.ice_servers ?? []).map(({ urls, username, credential }) =>
      username && credential ? { urls, username, credential } : { urls },
    );
  }

  private set(changes: Partial<PhoneState>): void {
    this.current = { ...this.current, ...changes };
    this.emit("state", this.current);
  }
}
