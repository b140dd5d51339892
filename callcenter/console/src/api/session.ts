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
const EARLY_MS = 30_000;

export const useSession = create<SessionState>(() => ({ account: null, phase: "restoring" }));

let access = "";
let expiresAt = 0;
let refreshing: Promise<string> | null = null;

export class SignInError extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

async function ask(path: string, init: RequestInit): Promise<Tokens> {
  const answer = await fetch(`/api/v1/auth/${path}`, init);
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => ({}))) as { detail?: string };
    throw new SignInError(answer.status, problem.detail ?? answer.statusText);
  }
  return (await answer.json()) as Tokens;
}

function keep(tokens: Tokens): string {
  access = tokens.access_token;
  expiresAt = Date.now() + tokens.expires_in * 1000;
  sessionStorage.setItem(KEY, tokens.refresh_token);
  return access;
}

/** Sign in; throws `SignInError` with the server's sentence. */
export async function signIn(user: string, password: string): Promise<void> {
  keep(await ask("token", { method: "POST", body: new URLSearchParams({ username: user, password }) }));
  await readAccount();
}

/** Take up the sign-in of this tab after a reload; leaves `signed_out` when there is none. */
export async function restore(): Promise<void> {
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
  if (access && Date.now() < expiresAt - EARLY_MS) return access;
  refreshing ??= refresh().finally(() => (refreshing = null));
  return refreshing;
}

/** Whether the tab is still signed in by this token: an answer that comes after a sign-out is nobody's. */
const here = (token: string) => sessionStorage.getItem(KEY) === token;

async function refresh(): Promise<string> {
  const old = sessionStorage.getItem(KEY);
  if (!old) throw new SignInError(401, "signed out");
  try {
    const tokens = await ask("refresh", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ refresh_token: old }),
    });
    if (!here(old)) throw new SignInError(401, "signed out");
    return keep(tokens);
  } catch (error) {
    if (error instanceof SignInError && error.status === 401 && here(old)) signedOut();
    throw error;
  }
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

function signedOut(): void {
  access = "";
  expiresAt = 0;
  sessionStorage.removeItem(KEY);
  useSession.setState({ account: null, phase: "signed_out" });
}

/** Whether the signed-in account holds a permission, e.g. `may("calls:monitor")`. */
export function may(permission: string): boolean {
  return useSession.getState().account?.permissions.includes(permission) ?? false;
}
