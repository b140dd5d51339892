// One call of the phone: JsSIP's session, with what it lacks (an early answer, a break in the audio that is told).
import type { RTCSession } from "jssip/lib/RTCSession";

import { givenUp, mediaOf, usable } from "./rules";
import { lineStats, type LineStats } from "./stats";
import type { EndReason, PhoneCall } from "./types";

const KEY_MS = 160;
const BETWEEN_KEYS_MS = 100;
/** What the server is told of a call that is not answered: whether it may soon ring here again hangs on it. */
const REFUSALS: Partial<Record<EndReason, number>> = { hung_up: 603, busy: 486 };
const OUT_OF_SERVICE = 503;
/** With a BYE: the page is going, or its audio is lost; the server gives the caller to the next one (RFC 3326). */
const NOBODY_HUNG_UP = 'Reason: Q.850;cause=27;text="phone lost"';

interface LineEvents {
  changed(call: PhoneCall): void;
  heard(remote: MediaStream): void;
  ended(call: PhoneCall, reason: EndReason): void;
}

export class Line {
  private lostSince = 0;
  private reason: EndReason | null = null;
  private over = false;

  constructor(
    readonly session: RTCSession,
    private call: PhoneCall,
    private readonly tell: LineEvents,
  ) {
    session.on("peerconnection", ({ peerconnection }) => this.watch(peerconnection));
    // The far end finds our other addresses by itself: no need to wait for all of them.
    session.on("icecandidate", ({ candidate, ready }) => usable(candidate) && ready());
    session.on("accepted", () => this.change({ state: "up", answeredAt: Date.now() }));
    session.on("ended", ({ originator }) => this.end(String(originator) === "local" ? "hung_up" : "ended"));
    session.on("failed", ({ originator }) => this.end(String(originator) === "remote" ? "ended" : "failed"));
    if (session.connection) this.watch(session.connection);
  }

  get now(): PhoneCall {
    return this.call;
  }

  get rings(): boolean {
    return this.call.state === "ringing";
  }

  answer(microphone: MediaStream, iceServers: RTCIceServer[]): void {
    if (!this.rings) return;
    this.change({ state: "answering" });
    this.session.answer({ mediaStream: microphone, pcConfig: { iceServers } });
  }

  hangUp(reason: EndReason = "hung_up"): void {
    if (this.over) return;
    this.reason ??= reason;
    const options = this.rings
      ? { status_code: REFUSALS[reason] ?? OUT_OF_SERVICE }
      : { extraHeaders: reason === "lost" ? [NOBODY_HUNG_UP] : [] };
    try {
      this.session.terminate(options);
    } catch {
      // It has just ended by itself.
    }
    this.end(reason);
  }

  keys(digits: string): void {
    if (this.call.state === "up") this.session.sendDTMF(digits, { duration: KEY_MS, interToneGap: BETWEEN_KEYS_MS });
  }

  speakWith(track: MediaStreamTrack): void {
    for (const sender of this.session.connection?.getSenders() ?? []) void sender.replaceTrack(track);
  }

  /** About once a second. `registeredAt`: since when (ms) the phone is registered without a break. */
  tick(now: number, registeredAt: number): void {
    if (this.call.media === "lost" && givenUp(now, this.lostSince, registeredAt)) this.hangUp("lost");
  }

  stats(): Promise<LineStats> | null {
    return this.session.connection ? lineStats(this.session.connection) : null;
  }

  private watch(connection: RTCPeerConnection): void {
    connection.addEventListener("track", ({ track, streams }) => this.tell.heard(streams[0] ?? new MediaStream([track])));
    connection.addEventListener("iceconnectionstatechange", () => {
      const media = mediaOf(connection.iceConnectionState, this.call.media);
      if (media === this.call.media) return;
      if (media === "lost") this.lostSince = Date.now();
      this.change({ media });
    });
  }

  private change(changes: Partial<PhoneCall>): void {
    if (this.over) return;
    this.call = { ...this.call, ...changes };
    this.tell.changed(this.call);
  }

  private end(reason: EndReason): void {
    if (this.over) return;
    this.over = true;
    this.tell.ended(this.call, this.reason ?? (this.call.media === "lost" ? "lost" : reason));
  }
}
