// Decisions of the phone that are pure: tested without a browser.
import type { Media, PhoneState, Problem } from "./types";

/** Whether an INVITE asks to be answered at once: Call-Info `answer-after=0`, or Alert-Info of an autoanswer kind. */
export function asksForAnswer(header: (name: string) => string | undefined): boolean {
  const info = header("Call-Info") ?? "";
  const alert = header("Alert-Info") ?? "";
  return /;\s*answer-after\s*=\s*0\b/i.test(info) || /info\s*=\s*"?alert-autoanswer\b/i.test(alert);
}

/** Whether an answer may go out with this candidate: UDP, and an address that the far end can reach. */
export function usable(candidate: Pick<RTCIceCandidate, "protocol" | "address" | "candidate">): boolean {
  const parts = candidate.candidate.split(" ");
  const protocol = (candidate.protocol ?? parts[2] ?? "").toLowerCase();
  const address = candidate.address ?? parts[4] ?? "";
  return protocol === "udp" && address !== "" && !address.endsWith(".local") && !/^(169\.254\.|fe80:)/i.test(address);
}

/** What the browser's refusal of the microphone means (W3C Media Capture §10.2). */
export function problemOf(name: string): Problem {
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return "microphone_denied";
    case "NotReadableError":
    case "AbortError":
      return "microphone_busy";
    default:
      return "microphone_missing";
  }
}

/** What an RTCPeerConnection's ICE state means for who listens. */
export function mediaOf(ice: RTCIceConnectionState, before: Media): Media {
  if (ice === "connected" || ice === "completed") return "flowing";
  if (ice === "disconnected" || ice === "failed" || ice === "closed") return "lost";
  return before;
}

/** Whether one of the two does not hear the other just now. */
export function broken({ call }: Pick<PhoneState, "call">): boolean {
  return call !== null && (call.media === "lost" || call.unheard);
}

export const LOST_MS = 60_000;
export const MEND_MS = 5_000;

/**
 * Whether a call without audio is given up, so that the caller is somebody else's: its new way has not brought the audio
 * back, or the server was away so long that it could not be asked for one. Times in ms; `mendedAt` 0: never.
 */
export function givenUp(now: number, lostSince: number, mendedAt: number): boolean {
  return mendedAt >= lostSince ? now - mendedAt >= MEND_MS : now - lostSince >= LOST_MS;
}

export const KEYS = /^[0-9*#]+$/;
