// One tab is the phone: two would take the registration from each other without a word. The others wait and follow
// when it goes; one of them may take over.
const RELEASE_MS = 500;

interface TabEvents {
  /** This tab is the phone from now on. */
  mine(): void;
  /** Another tab is; this one waits. */
  waiting(): void;
  /** Another tab has taken over: let go at once, everything. */
  taken(): void;
}

export class OneTab {
  private name = "";
  private channel: BroadcastChannel | null = null;
  private release: (() => void) | null = null;
  private queue: AbortController | null = null;

  constructor(private readonly tell: TabEvents) {}

  start(user: string): void {
    this.stop();
    this.name = `callcenter.phone.${user}`;
    this.channel = new BroadcastChannel(this.name);
    this.wait();
  }

  get isMine(): boolean {
    return this.release !== null;
  }

  /** Be the phone, here and now. */
  take(): void {
    this.queue?.abort();
    // The one before says when it has hung up; a frozen one says nothing.
    const released = new Promise<void>((resolve) => {
      this.channel?.addEventListener("message", () => resolve(), { once: true });
      setTimeout(resolve, RELEASE_MS);
    });
    void this.hold({ steal: true }, released);
  }

  stop(): void {
    this.queue?.abort();
    this.queue = null;
    this.release?.();
    this.release = null;
    this.channel?.close();
    this.channel = null;
  }

  private wait(): void {
    const queue = new AbortController();
    this.queue = queue;
    // A tab that is being reloaded lets go within moments.
    const slow = setTimeout(() => !queue.signal.aborted && this.tell.waiting(), 300);
    queue.signal.addEventListener("abort", () => clearTimeout(slow));
    void this.hold({ signal: queue.signal }, undefined, () => clearTimeout(slow));
  }

  private async hold(options: LockOptions, after?: Promise<void>, got?: () => void): Promise<void> {
    const { name, channel } = this;
    let mine = false;
    try {
      await navigator.locks.request(name, options, async () => {
        got?.();
        mine = true;
        await after;
        if (this.channel !== channel) return; // stopped meanwhile
        const held = new Promise<void>((resolve) => (this.release = resolve));
        this.tell.mine();
        await held;
      });
    } catch (error) {
      if (!mine) return; // no longer waited for
      if (!(error instanceof DOMException) || error.name !== "AbortError") throw error;
      if (!channel || this.channel !== channel) return;
      this.release = null;
      this.tell.taken();
      channel.postMessage("released");
      this.wait();
    }
  }
}
