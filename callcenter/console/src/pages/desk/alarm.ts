// What makes an emergency impossible to miss: sound, the page's title, a notification. Until somebody answers.
import { every } from "../../phone/ticker";
import { samples } from "../../phone/ringtone";

const RATE = 16_000;
const FLASH_MS = 700;

class Alarm {
  private context: AudioContext | null = null;
  private playing: AudioBufferSourceNode | null = null;
  private stopFlashing: (() => void) | null = null;
  private title = "";
  private notice: Notification | null = null;

  /** Whether the browser lets this page sound; false until somebody has clicked or pressed a key on it. */
  get ready(): boolean {
    return this.context?.state === "running";
  }

  /** Call it in a click or key press, once is enough. */
  async unlock(): Promise<void> {
    this.context ??= new AudioContext();
    if (this.context.state === "suspended") await this.context.resume().catch(() => undefined);
  }

  start(sound: boolean, title: string): void {
    if (sound) void this.sound();
    else this.hush();
    if (this.title === title) return;
    this.stopTitle();
    this.title = title;
    const before = document.title;
    let on = false;
    const flash = every(FLASH_MS, () => (document.title = (on = !on) ? title : before));
    document.title = title;
    // Also when another window comes in front while it rings.
    const notify = () => this.notify(title);
    notify();
    document.addEventListener("visibilitychange", notify);
    this.stopFlashing = () => {
      flash();
      document.removeEventListener("visibilitychange", notify);
      document.title = before;
      this.notice?.close();
      this.notice = null;
    };
  }

  stop(): void {
    this.hush();
    this.stopTitle();
  }

  hush(): void {
    this.playing?.stop();
    this.playing = null;
  }

  private notify(title: string): void {
    if (!document.hidden || this.notice || !("Notification" in window) || Notification.permission !== "granted") return;
    const notice = new Notification(title, { tag: "callcenter-emergency", requireInteraction: true });
    notice.onclick = () => window.focus();
    notice.onclose = () => {
      if (this.notice === notice) this.notice = null;
    };
    this.notice = notice;
  }

  /** A tone of one second, to try the loudspeaker. */
  async beep(): Promise<void> {
    await this.unlock();
    const context = this.context;
    if (!context) return;
    const tone = context.createOscillator();
    const loud = context.createGain();
    loud.gain.value = 0.2;
    tone.frequency.value = 660;
    tone.connect(loud).connect(context.destination);
    tone.start();
    tone.stop(context.currentTime + 1);
  }

  private async sound(): Promise<void> {
    if (this.playing) return;
    await this.unlock();
    const context = this.context;
    if (!context || this.playing) return;
    const wave = samples("urgent");
    const buffer = context.createBuffer(1, wave.length, RATE);
    buffer.getChannelData(0).set(wave);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.loop = true;
    source.connect(context.destination);
    source.start();
    this.playing = source;
  }

  private stopTitle(): void {
    this.stopFlashing?.();
    this.stopFlashing = null;
    this.title = "";
  }
}

export const alarm = new Alarm();
