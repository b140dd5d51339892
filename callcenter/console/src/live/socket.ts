// The live socket: every fact one may see, in order, resumed after a break from the last one seen.
//
// The server answers each ping; a socket that is silent is closed and opened again, whatever the browser believes
// of it. While it is away the page says so (`useLive`), and nothing on it pretends to be of now.
import { create } from "zustand";

import { token } from "../api/session";
import { every } from "../phone/ticker";

export interface Fact {
  id: string;
  at: string;
  kind: string;
  actor: string;
  call_id: string | null;
  incident_id: string | null;
  data: Record<string, unknown>;
  seq?: number;
}

export type LiveState = "connecting" | "up" | "down";

interface LiveStatus {
  state: LiveState;
  /** When (epoch ms) it was last up; null before the first time. */
  since: number | null;
  /** Seconds by which the record (lists, history) is behind what happens; 0 when it is not. */
  behind: number;
}

export const useLive = create<LiveStatus>(() => ({ state: "connecting", since: null, behind: 0 }));

type Listener = (fact: Fact) => void;
type GapListener = () => void;

const PING_MS = 2_000;
const SILENCE_MS = 6_000;
const SHORTEST_MS = 250;
const LONGEST_MS = 5_000;
const REMEMBERED = 4_000;

class LiveSocket {
  private socket: WebSocket | null = null;
  private listeners = new Set<Listener>();
  private gapListeners = new Set<GapListener>();
  private takenListeners = new Set<() => void>();
  private seen = new Set<string>();
  private last = "";
  /** The server's process, and how far we are in what it tells: resumes exactly, where the last fact's id repeats some. */
  private server = "";
  private seq: number | null = null;
  private heard = 0;
  private stopBeating: (() => void) | undefined;
  private again: ReturnType<typeof setTimeout> | undefined;
  /** When (epoch ms) to connect again; 0 while it connects or is connected. */
  private againAt = 0;
  private pause = SHORTEST_MS;
  private wanted = false;
  private seat = "";
  private ready = false;
  /** Whether this connection has been greeted, and told that we are the seat's phone. */
  private welcome = false;
  private claimed = false;
  private pings = 0;

  /** Hear facts from now on; answers how to stop. */
  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Hear that facts may have been missed: read again whatever is shown. */
  onGap(listener: GapListener): () => void {
    this.gapListeners.add(listener);
    return () => this.gapListeners.delete(listener);
  }

  /**
   * Say that this page is the operator's phone: while it pings, the seat has somebody's page open. `ready`: the phone can
   * be rung. A page that comes back after a break says nothing until it can: a call would ring at a line that is dead.
   */
  isSeat(seat: boolean, ready: boolean): void {
    this.ready = ready;
    if (seat !== (this.seat !== "")) {
      // A new name is a new claim; coming back after a break is none, and does not take the phone from anybody.
      this.seat = seat ? Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("") : "";
      if (!seat && this.claimed) this.send({ seat: "" });
      this.claimed = false;
    }
    this.claim();
  }

  private claim(): void {
    if (!this.welcome || this.claimed || !this.seat || !this.ready) return;
    this.claimed = true;
    this.send({ seat: this.seat });
  }

  /** Hear that the seat's phone is a page on another machine now. */
  onTaken(listener: () => void): () => void {
    this.takenListeners.add(listener);
    return () => this.takenListeners.delete(listener);
  }

  open(): void {
    if (this.wanted) return;
    this.wanted = true;
    // A hidden tab must not fall silent: the server would take its seat for empty.
    this.stopBeating = every(PING_MS, () => this.beat());
    addEventListener("online", this.hurry);
    void this.connect();
  }

  close(): void {
    this.wanted = false;
    this.stopBeating?.();
    clearTimeout(this.again);
    removeEventListener("online", this.hurry);
    this.socket?.close();
    this.socket = null;
    this.last = "";
    this.seq = null;
    this.seen.clear();
  }

  private hurry = () => {
    this.pause = SHORTEST_MS;
    clearTimeout(this.again);
    if (this.wanted && this.socket?.readyState !== WebSocket.OPEN) void this.connect();
  };

  private async connect(): Promise<void> {
    clearTimeout(this.again);
    this.againAt = 0;
    let bearer: string;
    try {
      bearer = await token();
    } catch {
      return this.retry();
    }
    if (!this.wanted) return;
    const address = new URL("/api/v1/live", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    if (this.last) address.searchParams.set("after", this.last);
    if (this.seq !== null) {
      address.searchParams.set("server", this.server);
      address.searchParams.set("seq", String(this.seq));
    }
    const socket = new WebSocket(address);
    this.socket?.close();
    this.socket = socket;
    this.welcome = this.claimed = false;
    this.heard = Date.now();
    socket.onopen = () => {
      this.heard = Date.now();
      this.send({ token: bearer });
    };
    socket.onmessage = (event) => this.socket === socket && this.take(JSON.parse(String(event.data)) as Record<string, unknown>);
    socket.onclose = () => {
      if (this.socket === socket) this.retry();
    };
  }

  private retry(): void {
    this.socket = null;
    if (!this.wanted) return;
    useLive.setState(({ state, since }) => ({ state: "down", since: state === "up" ? this.heard : since }));
    clearTimeout(this.again);
    const pause = this.pause * (0.75 + Math.random() / 2);
    this.againAt = Date.now() + pause;
    this.again = setTimeout(() => void this.connect(), pause);
    this.pause = Math.min(this.pause * 2, LONGEST_MS);
  }

  private beat(): void {
    const socket = this.socket;
    if (!socket) {
      // In a hidden tab the timer may sleep for a minute; this beat does not.
      if (this.againAt && Date.now() >= this.againAt) void this.connect();
      return;
    }
    if (Date.now() - this.heard > SILENCE_MS) {
      // A half-open connection: the browser will not notice for minutes.
      this.socket = null;
      socket.onclose = null;
      socket.close();
      this.retry();
    } else if (socket.readyState === WebSocket.OPEN) {
      this.send({ ping: ++this.pings });
      // A socket lives no longer than its token; the next one is handed over before that.
      void token().then((bearer) => bearer !== this.told && this.send({ token: bearer }), () => undefined);
    }
  }

  private told = "";

  private send(message: Record<string, unknown>): void {
    if (typeof message.token === "string") this.told = message.token;
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  private take(message: Record<string, unknown>): void {
    this.heard = Date.now();
    if (message.seq !== undefined) this.seq = typeof message.seq === "number" ? message.seq : null;
    switch (message.kind) {
      case "hello":
        this.pause = SHORTEST_MS;
        useLive.setState({ state: "up", since: Date.now() });
        this.welcome = true;
        this.claim();
        // Before the first fact there is nothing to resume from: whatever was read until now may be older.
        if (!this.last) this.gap();
        return;
      case "gap":
        return this.gap();
      case "behind":
        useLive.setState({ behind: Number(message.seconds) || 0 });
        return;
      case "seat_taken":
        for (const listener of this.takenListeners) listener();
        return;
      case "pong":
      case "caught_up":
        return;
    }
    const fact = message as unknown as Fact;
    if (!fact.id || this.seen.has(fact.id)) return;
    this.seen.add(fact.id);
    if (this.seen.size > REMEMBERED) this.seen.delete(this.seen.values().next().value as string);
    this.last = fact.id;
    for (const listener of this.listeners) listener(fact);
  }

  private gap(): void {
    for (const listener of this.gapListeners) listener();
  }
}

export const live = new LiveSocket();
