// SIP over WebSocket (RFC 7118) as JsSIP wants it, with what the browser's WebSocket lacks: an end to connecting, and
// `drop` for a connection that stands but is dead.
//
// Times in ms. It has no timers of its own: those of a hidden tab sleep for up to a minute.
import type { Socket } from "jssip";

const CONNECT_MS = 4_000;
/** JsSIP tries again within 2 s; when it has not, its timers sleep. */
const IDLE_MS = 3_000;
/** What began before the network was back: TCP asks again only after 1, 3 and 7 s. */
const STALE_MS = 1_000;
const NORMAL = 1000;

export class PhoneSocket implements Socket {
  readonly sip_uri: string;
  via_transport = "WS";
  private socket: WebSocket | null = null;
  /** Since when it connects, or has no connection. */
  private since = Date.now();
  private wanted = false;

  constructor(
    readonly url: string,
    private readonly heard: () => void,
  ) {
    const { host, protocol } = new URL(url);
    this.sip_uri = `sip:${host};transport=ws`;
    this.via_transport = protocol === "wss:" ? "WSS" : "WS";
  }

  onconnect(): void {}
  ondisconnect(_error: boolean, _code?: number, _reason?: string): void {}
  ondata(_data: unknown): void {}

  connect(): void {
    this.wanted = true;
    if (this.isConnected() || this.isConnecting()) return;
    this.forget();
    const socket = new WebSocket(this.url, "sip");
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.since = Date.now();
    socket.onopen = () => {
      this.heard();
      this.onconnect();
    };
    socket.onclose = ({ wasClean, code, reason }) => {
      this.forget();
      this.ondisconnect(!wasClean, code, reason);
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      this.heard();
      this.ondata(data);
    };
  }

  disconnect(): void {
    this.wanted = false;
    this.close();
  }

  /** Give up a connection that the browser still believes in; JsSIP connects again. */
  drop(reason: string): void {
    if (!this.socket) return;
    this.close();
    this.ondisconnect(true, undefined, reason);
  }

  /** About once a second, while not connected: ends an attempt that takes too long, and begins one when nobody did. */
  tick(now: number): void {
    if (!this.wanted) return;
    if (this.isConnecting() && now - this.since >= CONNECT_MS) this.drop("not connected in time");
    else if (!this.socket && now - this.since >= IDLE_MS) this.connect();
  }

  /** The network may be back: connect now, anew where that began before. */
  hurry(now: number): void {
    if (this.isConnecting() && now - this.since >= STALE_MS) this.drop("the network is back");
    if (this.wanted) this.connect();
  }

  send(message: string | ArrayBufferLike | Blob | ArrayBufferView): boolean {
    if (!this.socket || !this.isConnected()) return false;
    this.socket.send(message as string);
    return true;
  }

  isConnected(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  isConnecting(): boolean {
    return this.socket?.readyState === WebSocket.CONNECTING;
  }

  private close(): void {
    const socket = this.socket;
    this.forget();
    socket?.close(NORMAL);
  }

  private forget(): void {
    if (!this.socket) return;
    this.since = Date.now();
    this.socket.onopen = this.socket.onclose = this.socket.onmessage = null;
    this.socket = null;
  }
}
