// Notes that lose no letter: kept in this browser at each keystroke, sent to the server soon after, joined with what
// somebody else wrote meanwhile. What is not on the server yet survives a reload, a crash and being offline; it is its
// author's: it waits here until the same person signs in again, and never goes out under another account.
import { useEffect, useMemo, useSyncExternalStore } from "react";

import { ApiError, api, call } from "../../api/client";
import { useSession } from "../../api/session";
import { passing } from "./ask";
import { join } from "./join";

export type Subject = "calls" | "emergencies";
export type NoteState = "saved" | "waiting" | "saving" | "offline" | "refused";

const SOON_MS = 400;
const LONGEST_MS = 8_000;
const ANSWER_MS = 6_000;
const PREFIX = "callcenter.note.";

interface Kept {
  text: string;
  /** The text and revision that ours was written on. */
  base: string;
  revision: number;
}

interface Shown {
  text: string;
  state: NoteState;
  joined: boolean;
}

interface Stored {
  text: string;
  revision: number;
}

export class Draft {
  private kept: Kept | null;
  private base: Stored = { text: "", revision: 0 };
  private current: Shown;
  private listeners = new Set<() => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sending = false;
  private stopped = false;
  private pause = SOON_MS;

  constructor(
    private readonly name: string,
    private readonly put: (text: string, revision: number) => Promise<Stored>,
  ) {
    this.kept = read(name);
    if (this.kept) this.base = { text: this.kept.base, revision: this.kept.revision };
    this.current = { text: this.kept?.text ?? "", state: this.kept ? "waiting" : "saved", joined: false };
    if (this.kept) this.soon();
  }

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly read = () => this.current;

  /** What the server holds, as it was read; older news than ours is none. */
  learn(stored: Stored): void {
    if (this.sending || stored.revision < this.base.revision || (stored.revision === this.base.revision && this.kept)) return;
    if (this.kept) return; // ours is on its way; what is stored comes back with the refusal, and is joined
    this.base = stored;
    if (stored.text !== this.current.text) this.show({ text: stored.text });
  }

  type(text: string): void {
    this.keep(text);
    this.show({ text, state: "waiting", joined: false });
    this.pause = SOON_MS;
    this.soon();
  }

  /** Its author has signed out: nothing is sent any more; what is kept stays for the next time. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private keep(text: string): void {
    this.kept = { text, base: this.base.text, revision: this.base.revision };
    try {
      localStorage.setItem(PREFIX + this.name, JSON.stringify(this.kept));
    } catch {
      // A full store must not stop the typing: the text still goes to the server.
    }
  }

  private soon(): void {
    clearTimeout(this.timer);
    if (!this.stopped) this.timer = setTimeout(() => void this.save(), this.pause);
  }

  private async save(): Promise<void> {
    if (this.sending || this.stopped || !this.kept) return;
    const { text } = this.kept;
    this.sending = true;
    this.show({ state: "saving" });
    try {
      this.base = await this.put(text, this.base.revision);
      this.pause = SOON_MS;
      this.done(text);
    } catch (error) {
      this.failed(error);
    } finally {
      this.sending = false;
    }
  }

  private done(sent: string): void {
    if (this.kept?.text === sent) {
      this.kept = null;
      localStorage.removeItem(PREFIX + this.name);
      this.show({ state: "saved" });
    } else if (this.kept) {
      this.keep(this.kept.text);
      this.soon();
    }
  }

  private failed(error: unknown): void {
    const stored = error instanceof ApiError && error.status === 409 ? (error.body as Partial<Stored> | null) : null;
    if (this.kept && typeof stored?.text === "string" && typeof stored.revision === "number") {
      const both = join(this.base.text, this.kept.text, stored.text);
      this.base = { text: stored.text, revision: stored.revision };
      this.keep(both);
      this.show({ text: both, state: "waiting", joined: true });
      this.pause = SOON_MS;
      this.soon();
    } else if (passing(error)) {
      this.pause = Math.min(this.pause * 2, LONGEST_MS);
      this.show({ state: "offline" });
      this.soon();
    } else {
      this.show({ state: "refused" });
    }
  }

  private show(changes: Partial<Shown>): void {
    this.current = { ...this.current, ...changes };
    for (const listener of this.listeners) listener();
  }
}

function read(name: string): Kept | null {
  try {
    const kept = JSON.parse(localStorage.getItem(PREFIX + name) ?? "null") as Kept | null;
    return kept && typeof kept.text === "string" ? kept : null;
  } catch {
    return null;
  }
}

const drafts = new Map<string, Draft>();

function draft(subject: Subject, id: string, author: string): Draft {
  const name = `${subject}.${id}@${author}`;
  let found = drafts.get(name);
  if (!found) {
    drafts.set(name, (found = new Draft(name, (text, revision) => put(subject, id, author, text, revision))));
  }
  return found;
}

async function put(subject: Subject, id: string, author: string, text: string, revision: number): Promise<Stored> {
  if (useSession.getState().account?.user !== author) throw new ApiError(0, "signed_out", "its author is not signed in");
  // One that hangs in a network that is cut must not hold up what is typed after it: it is sent anew.
  const rest = { body: { text, revision }, signal: AbortSignal.timeout(ANSWER_MS) };
  return subject === "calls"
    ? call(api.PUT("/api/v1/calls/{call_id}/note", { params: { path: { call_id: id } }, ...rest }))
    : call(api.PUT("/api/v1/emergencies/{incident_id}/note", { params: { path: { incident_id: id } }, ...rest }));
}

export interface Unsent {
  subject: Subject;
  id: string;
}

/** Take up what an earlier page of this author could not send; call once after signing in. Answers which notes these are. */
export function resumeNotes(author: string): Unsent[] {
  const found: Unsent[] = [];
  for (const key of Object.keys(localStorage)) {
    const [, subject, id, by] = /^callcenter\.note\.(calls|emergencies)\.([^@]+)@(.+)$/.exec(key) ?? [];
    if (!subject || !id || by !== author) continue;
    draft(subject as Subject, id, author);
    found.push({ subject: subject as Subject, id });
  }
  return found;
}

/** The author signs out: what is not sent yet stays in this browser. */
export function stopNotes(): void {
  for (const one of drafts.values()) one.stop();
  drafts.clear();
}

/** A note as it is typed here, and how to go on typing. */
export function useNote(subject: Subject, id: string, stored: Stored | undefined): Shown & { type: (text: string) => void } {
  const author = useSession((state) => state.account?.user ?? "");
  const mine = useMemo(() => draft(subject, id, author), [subject, id, author]);
  const shown = useSyncExternalStore(mine.subscribe, mine.read);
  const { text, revision } = stored ?? {};
  useEffect(() => {
    if (text !== undefined && revision !== undefined) mine.learn({ text, revision });
  }, [mine, text, revision]);
  return { ...shown, type: (value) => mine.type(value) };
}
