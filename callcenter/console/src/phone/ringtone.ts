// What rings: two tones made here, so that no file has to arrive first. On a device of its own.
export type Pattern = "calm" | "urgent";

const RATE = 16_000;

/** calm: 450 Hz, one second in five, as a Chinese exchange rings (YD/T 1071). urgent: two tones in quick turns. */
export function samples(pattern: Pattern): Float32Array {
  const seconds = pattern === "calm" ? 5 : 1.2;
  const wave = new Float32Array(seconds * RATE);
  for (let n = 0; n < wave.length; n++) {
    const at = n / RATE;
    const hertz = pattern === "calm" ? (at < 1 ? 450 : 0) : at < 0.3 ? 880 : at < 0.6 ? 660 : at < 0.9 ? 880 : 0;
    wave[n] = hertz ? 0.5 * Math.sin(2 * Math.PI * hertz * at) : 0;
  }
  return wave;
}

/** 16-bit mono WAV. */
export function wav(wave: Float32Array): Blob {
  const view = new DataView(new ArrayBuffer(44 + wave.length * 2));
  const text = (at: number, word: string) => [...word].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + wave.length * 2, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true);
  view.setUint32(28, RATE * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, wave.length * 2, true);
  wave.forEach((value, n) => view.setInt16(44 + n * 2, Math.round(value * 32767), true));
  return new Blob([view.buffer], { type: "audio/wav" });
}

export class Ringtone {
  private readonly element = new Audio();
  private readonly urls = new Map<Pattern, string>();

  constructor(private readonly blocked: () => void) {
    this.element.loop = true;
  }

  play(pattern: Pattern): void {
    let url = this.urls.get(pattern);
    if (!url) this.urls.set(pattern, (url = URL.createObjectURL(wav(samples(pattern)))));
    if (this.element.src !== url) this.element.src = url;
    this.element.play().catch((error: DOMException) => error.name === "NotAllowedError" && this.blocked());
  }

  stop(): void {
    this.element.pause();
    this.element.currentTime = 0;
  }

  get playing(): boolean {
    return !this.element.paused;
  }

  /** The device's id, "" for the system's; throws when it is gone. */
  async on(device: string): Promise<void> {
    await this.element.setSinkId?.(device);
  }
}
