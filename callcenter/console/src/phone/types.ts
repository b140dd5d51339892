// What the phone is and says. No part of it knows React or the rest of the page.

/** As GET /api/v1/seats/me/phone gives it; kept in memory only. */
export interface Credentials {
  user: string;
  password: string;
  domain: string;
  ws_url: string;
  ice_servers: { urls: string; username?: string | null; credential?: string | null }[];
  auto_answer: boolean;
}

/**
 * off: not started. waiting: another tab is the phone. blocked: see `problem`. connecting, registered; lost: it was
 * registered and is not; it comes back by itself.
 */
export type PhoneStatus = "off" | "waiting" | "blocked" | "connecting" | "registered" | "lost";

/**
 * insecure_page: neither https nor localhost. microphone_denied: forbidden by the user or the system.
 * microphone_missing: there is none. microphone_busy: another program holds it. rejected: the server knows no such
 * phone. sound_blocked: the browser plays nothing before somebody clicks (the next click or key lifts it).
 */
export type Problem =
  | "insecure_page"
  | "microphone_denied"
  | "microphone_missing"
  | "microphone_busy"
  | "rejected"
  | "sound_blocked";

/** connecting: no audio yet. flowing. lost: it flowed and stopped; the call ends by itself unless it comes back. */
export type Media = "connecting" | "flowing" | "lost";

export interface PhoneCall {
  id: string;
  direction: "in" | "out";
  /** seat: a call of the centre. test: the echo. */
  kind: "seat" | "test";
  number: string;
  name: string;
  state: "ringing" | "answering" | "calling" | "up";
  media: Media;
  /** The server says that nothing comes from here: the far end does not hear us. */
  unheard: boolean;
  /** Whether it was told to answer by itself: somebody must speak, key or click within 8 s. */
  auto: boolean;
  /** Epoch ms: of its beginning, and of its answer. */
  since: number;
  answeredAt: number | null;
}

/** ended: far end hung up, or cancelled. lost: no audio any more. failed: it never came to be. taken: another tab. */
export type EndReason = "ended" | "hung_up" | "lost" | "failed" | "taken" | "busy";

export interface Device {
  id: string;
  label: string;
}

export interface Devices {
  inputs: Device[];
  outputs: Device[];
  /** Chosen ids; "" is the system's own choice. `ringer`: where it rings, e.g. a loudspeaker beside the headset. */
  input: string;
  output: string;
  ringer: string;
  /** Echo cancelling, noise suppression and gain control: off for headsets that do it themselves. */
  processing: boolean;
}

export interface PhoneState {
  status: PhoneStatus;
  problem: Problem | null;
  call: PhoneCall | null;
  muted: boolean;
  devices: Devices;
}

export interface PhoneEvents extends Record<string, unknown> {
  state: PhoneState;
  /** A call rings here. */
  ringing: PhoneCall;
  ended: { call: PhoneCall; reason: EndReason };
  /** The microphone or the loudspeaker in use is gone, and this one is used instead; null: there is none. */
  device: { kind: "input" | "output"; label: string | null };
}
