// Notices a server that is silent though its connection stands (frozen, or behind a network that is cut).
export interface WatchdogRules {
  /** Ask after so many ms without a word from the server … */
  every: number;
  /** … and take it for dead when it has said nothing for so long since. */
  within: number;
}

export class Watchdog {
  private heardAt = 0;
  private askedAt: number | null = null;

  constructor(
    private readonly ask: () => void,
    private readonly dead: () => void,
    private readonly rules: WatchdogRules = { every: 5_000, within: 2_500 },
  ) {}

  /** Anything at all came from the server. */
  heard(now: number): void {
    this.heardAt = now;
    this.askedAt = null;
  }

  /** Something that wants an answer went out. */
  asked(now: number): void {
    this.askedAt = now;
  }

  /** Ask now, unless an answer is waited for already. */
  askNow(now: number): void {
    if (this.askedAt !== null) return;
    this.asked(now);
    this.ask();
  }

  /** About once a second, while connected. */
  tick(now: number): void {
    if (this.askedAt !== null) {
      if (now - this.askedAt < this.rules.within) return;
      this.heard(now);
      this.dead();
    } else if (now - this.heardAt >= this.rules.every) {
      this.askNow(now);
    }
  }
}
