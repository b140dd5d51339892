// Who is signed in: the access token lives in memory, the refresh token as long as the tab does.
//
// A refresh token may be used once; two requests that need a new access token at once share one refresh.
import { create } from "zustand";

export type Role = "operator" | "supervisor" | "qa" | "station" | "admin";

export interface Account {
  user: string;
  role: Role;
  area: string | null;
  permissions: string[];
}

interface Tokens {
  access_token: string;
  refresh_token: string;
  expires_in: number;
}

interface SessionState {
  account: Account | null;
  /** "restoring" until it is known whether the tab is still signed in after a reload. */
  phase: "restoring" | "signed_out" | "signed_in";
}

const KEY = "callcenter.refresh";
/** The token that the one under way is being traded for. */
const NEXT = "callcenter.refresh.next";
/** Which tab this is: a duplicated tab begins with a copy of everything that is kept for a tab. */
const TAB = "callcenter.tab";
const OLD_PAGE_MS = 3_000;
const ANSWER_MS = 10_000;
const EARLY_MS = 30_000;
/** After this share of its time a token is renewed in passing, so that one outlasts ten minutes without the database (A10). */
const FRESH = 1 / 3;
const AGAIN_MS = 5_000;

export const useSession = create<SessionState>(() => ({ account: null, phase: "restoring" }));

let access = "";
let expiresAt = 0;
let renewAt = 0;
let refreshing: Promise<string> | null = null;
let owned: Promise<boolean> | null = null;

export class SignInError extends Error {
  constructor(
    readonly status: number,
    detail: string,
    /** After how long another attempt is let through, in seconds; 0: at once. */
    readonly wait = 0,
  ) {
    super(detail);
  }
}

async function ask(path: string, init: RequestInit): Promise<Tokens> {
  const answer = await fetch(`/api/v1/auth/${path}`, init);
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => ({}))) as { detail?: string };
    throw new SignInError(answer.status, problem.detail ?? answer.statusText, Number(answer.headers?.get("Retry-After") ?? 0));
  }
  return (await answer.json()) as Tokens;
}

function keep(tokens: Tokens): string {
  access = tokens.access_token;
  expiresAt = Date.now() + tokens.expires_in * 1000;
  renewAt = Date.now() + tokens.expires_in * 1000 * FRESH;
  sessionStorage.setItem(KEY, tokens.refresh_token);
  sessionStorage.removeItem(NEXT);
  return access;
}

/** Whether what is kept for this tab is its own. A copy of it used here would end the sign-in of the tab it is of. */
async function own(): Promise<boolean> {
  if (!("locks" in navigator)) return true;
  const begun = sessionStorage.getItem(TAB);
  if (begun && (await hold(begun))) return true;
  const tab = random();
  sessionStorage.setItem(TAB, tab);
  void hold(tab);
  return begun === null;
}

/** Be a tab for as long as the page is there; a page that is being reloaded lets go within moments. */
function hold(tab: string): Promise<boolean> {
  return new Promise((done) =>
    navigator.locks
      .request(`callcenter.tab.${tab}`, { signal: AbortSignal.timeout(OLD_PAGE_MS) }, () => {
        done(true);
        return new Promise(() => undefined);
      })
      .catch(() => done(false)),
  );
}

/** 256 bits that nobody guesses, as the server makes them. */
function random(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32)))).replace(/[+/=]/g, (one) => ({ "+": "-", "/": "_" })[one] ?? "");
}

/** Sign in; throws `SignInError` with the server's sentence. */
export async function signIn(user: string, password: string): Promise<void> {
  keep(await ask("token", { method: "POST", body: new URLSearchParams({ username: user, password }) }));
  await readAccount();
}

/** Take up the sign-in of this tab after a reload; leaves `signed_out` when there is none. */
export async function restore(): Promise<void> {
  const first = owned ?? (owned = own());
  if (!(await first)) forget();
  owned = Promise.resolve(true);
  if (!sessionStorage.getItem(KEY)) return signedOut();
  try {
    await token();
    await readAccount();
  } catch (error) {
    // Without a network nobody is signed out: the page says that it is offline and tries again.
    if (error instanceof SignInError) signedOut();
    else throw error;
  }
}

/** A valid access token, refreshed when it is about to expire; throws `SignInError` when the sign-in is over. */
export async function token(): Promise<string> {
  const good = access !== "" && Date.now() < expiresAt - EARLY_MS;
  if (good && Date.now() < renewAt) return access;
  refreshing ??= refresh().finally(() => (refreshing = null));
  if (!good) return refreshing;
  renewAt = Date.now() + AGAIN_MS;
  refreshing.catch(() => undefined);
  return access;
}

/** Whether the tab is still signed in by this token: an answer that comes after a sign-out is nobody's. */
const here = (token: string) => sessionStorage.getItem(KEY) === token;

async function refresh(): Promise<string> {
  const old = sessionStorage.getItem(KEY);
  if (!old) throw new SignInError(401, "signed out");
  // Named before it is asked for: a reload or a network that swallows the answer asks for the same once more.
  const next = sessionStorage.getItem(NEXT) ?? random();
  sessionStorage.setItem(NEXT, next);
  try {
    const tokens = await ask("refresh", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ refresh_token: old, next }),
      // A network that is cut without a word would keep whoever waits for a token waiting for minutes.
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (!here(old)) throw new SignInError(401, "signed out");
    return keep(tokens);
  } catch (error) {
    if (error instanceof SignInError && error.status === 401 && here(old)) signedOut();
    throw error;
  }
}

/** Ask whether the sign-in still holds, when something has cut us off: who was switched off is out at once. */
export async function verify(): Promise<void> {
  if (!access) return;
  const answer = await fetch("/api/v1/auth/me", { headers: { Authorization: `Bearer ${access}` } }).catch(() => null);
  if (answer?.status !== 401) return;
  expiresAt = 0;
  await token().catch(() => undefined);
}

async function readAccount(): Promise<void> {
  const answer = await fetch("/api/v1/auth/me", { headers: { Authorization: `Bearer ${await token()}` } });
  if (!answer.ok) throw new SignInError(answer.status, answer.statusText);
  useSession.setState({ account: (await answer.json()) as Account, phase: "signed_in" });
}

/** End the sign-in on the server and forget it here. */
export async function signOut(): Promise<void> {
  const refresh_token = sessionStorage.getItem(KEY);
  signedOut();
  if (refresh_token)
    await fetch("/api/v1/auth/logout", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ refresh_token }),
    }).catch(() => undefined);
}

function forget(): void {
  access = "";
  expiresAt = 0;
  sessionStorage.removeItem(KEY);
  sessionStorage.removeItem(NEXT);
}

function signedOut(): void {
  forget();
  useSession.setState({ account: null, phase: "signed_out" });
}

/** Whether the signed-in account holds a permission, e.g. `may("calls:monitor")`. */
export function may(permission: string): boolean {
  return useSession.getState().account?.permissions.includes(permission) ?? false;
}
