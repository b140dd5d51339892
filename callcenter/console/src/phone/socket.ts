// SIP over WebSocket (RFC 7118) as JsSIP wants it, with what the browser's WebSocket lacks: an end to connecting, and
// `drop` for a connection that stands but is dead.
import type { Socket } from "jssip";

const CONNECT_MS = 4_000;
const NORMAL = 1000;

export class PhoneSocket implements Socket {
  readonly sip_uri: string;
  via_transport = "WS";
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

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
    if (this.isConnected() || this.isConnecting()) return;
    this.forget();
    const socket = new WebSocket(this.url, "sip");
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.timer = setTimeout(() => this.drop("not connected in time"), CONNECT_MS);
    socket.onopen = () => {
      clearTimeout(this.timer);
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
    const socket = this.socket;
    this.forget();
    socket?.close(NORMAL);
  }

  /** Give up a connection that the browser still believes in; JsSIP connects again. */
  drop(reason: string): void {
    if (!this.socket) return;
    this.disconnect();
    this.ondisconnect(true, undefined, reason);
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

  private forget(): void {
    clearTimeout(this.timer);
    if (!this.socket) return;
    this.socket.onopen = this.socket.onclose = this.socket.onmessage = null;
    this.socket = null;
  }
}
