// One call of the phone: JsSIP's session, with what it lacks (an early answer, a break in the audio that is told and
// mended).
import type { RTCSession } from "jssip/lib/RTCSession";

import { givenUp, mediaOf, usable } from "./rules";
import { lineStats, type LineStats } from "./stats";
import type { EndReason, PhoneCall } from "./types";

const KEY_MS = 160;
const BETWEEN_KEYS_MS = 100;
/** What the server is told of a call that is not answered: whether it may soon ring here again hangs on it. */
const REFUSALS: Partial<Record<EndReason, number>> = { hung_up: 603, busy: 486 };
const OUT_OF_SERVICE = 503;
/** ICE settles on its way within so long; a way that changes later is one that Asterisk does not follow (see `watch`). */
const SETTLED_MS = 3_000;
/** Asterisk sends as long as a call is up; counted once a second. */
const DEAF_MS = 3_000;
/** With a BYE: the page is going, or its audio is lost; the server gives the caller to the next one (RFC 3326). */
const NOBODY_HUNG_UP = 'Reason: Q.850;cause=27;text="phone lost"';

interface LineEvents {
  changed(call: PhoneCall): void;
  heard(remote: MediaStream): void;
  /** Its sound needs a new way: have the server prove that it is there, then call `mend`. */
  hurt(): void;
  ended(call: PhoneCall, reason: EndReason): void;
}

export class Line {
  private lostSince = 0;
  private settledAt = 0;
  private mendedAt = 0;
  private hurts = false;
  private received = -1;
  private heardAt = 0;
  private mending = false;
  private watched: RTCIceTransport | null = null;
  private reason: EndReason | null = null;
  private over = false;

  constructor(
    readonly session: RTCSession,
    private call: PhoneCall,
    private readonly tell: LineEvents,
  ) {
    // JsSIP gives a call up for a re-INVITE that gets no answer; ours goes out again as soon as the server is back.
    const inner = session as unknown as Record<"onTransportError" | "onRequestTimeout", () => void>;
    for (const name of ["onTransportError", "onRequestTimeout"] as const) {
      const giveUp = inner[name].bind(session);
      inner[name] = () => (this.mending ? this.unanswered() : giveUp());
    }
    // A re-INVITE that fails because the call ended meanwhile ends it once more, and JsSIP throws.
    const terminate = session.terminate.bind(session);
    session.terminate = (options) => void (session.isEnded() || terminate(options));
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

  /** The sound has lost its way, by ICE's word or the server's. */
  private hurt(): void {
    if (this.call.state !== "up" || this.hurts) return;
    this.hurts = true;
    this.tell.hurt();
  }

  /** Whether the server hears this line. */
  unheard(unheard: boolean): void {
    if (this.call.state !== "up" || this.call.unheard === unheard) return;
    this.change({ unheard });
    if (unheard) this.hurt();
  }

  /** Give the sound a new way (ICE restart, RFC 8839 §4.4.1.1.1), if it needs one. Not before the server is heard. */
  mend(): void {
    if (!this.hurts || this.mending) return;
    const sent = this.session.renegotiate({ rtcOfferConstraints: { iceRestart: true } }, () => (this.mending = false));
    if (!sent) return;
    this.mending = true;
    this.hurts = false;
    this.mendedAt = Date.now();
    this.settledAt = this.mendedAt + SETTLED_MS;
  }

  private unanswered(): void {
    this.mending = false;
    this.hurts = true;
  }

  keys(digits: string): void {
    if (this.call.state === "up") this.session.sendDTMF(digits, { duration: KEY_MS, interToneGap: BETWEEN_KEYS_MS });
  }

  speakWith(track: MediaStreamTrack): void {
    for (const sender of this.session.connection?.getSenders() ?? []) void sender.replaceTrack(track);
  }

  /** About once a second. */
  tick(now: number): void {
    const asked = this.mending || this.hurts ? 0 : this.mendedAt;
    if (this.call.media === "lost" && givenUp(now, this.lostSince, asked)) this.hangUp("lost");
    else if (this.hurts) this.tell.hurt();
    void this.stats()?.then(({ received }) => {
      if (received !== this.received) [this.received, this.heardAt] = [received, now];
    });
  }

  /** Whether this call is over for the far end, as far as can be heard: nothing comes any more. */
  deaf(now: number): boolean {
    return this.call.media === "lost" || (this.heardAt > 0 && now - this.heardAt >= DEAF_MS);
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
      if (this.call.media === "connecting") this.settledAt = Date.now() + SETTLED_MS;
      this.change({ media });
      if (media === "lost") this.hurt();
    });
    // After a break the browser may go on by another pair of addresses. Asterisk, too, hears it there, but takes audio
    // only from where it came at first (strict RTP): the operator hears, and is not heard.
    connection.addEventListener("connectionstatechange", () => {
      const ice = connection.getSenders()[0]?.transport?.iceTransport;
      if (!ice || this.watched === ice) return;
      this.watched = ice;
      ice.addEventListener("selectedcandidatepairchange", () => Date.now() > this.settledAt && this.hurt());
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
    this.tell.ended(this.call, this.reason ?? (this.call.media === "lost" || this.call.unheard ? "lost" : reason));
  }
}
