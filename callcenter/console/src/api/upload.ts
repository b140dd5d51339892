// A file of the user's disk to the API, as a form of several parts.
import { ApiError, call } from "./client";
import { token } from "./session";

/** Send a file with its fields; throws `ApiError`, also for a file that is larger than the server takes. */
export async function upload<T>(path: string, fields: Record<string, string>, file: File | undefined, most: number): Promise<T> {
  // A server that refuses half-way closes the line, which looks like no server at all: it is said before.
  if (file && file.size > most) throw new ApiError(413, "too_large", `${file.size} > ${most}`, { most: Math.floor(most / 1_000_000) });
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  if (file) body.set("file", file);
  const sent = fetch(path, { method: "POST", body, headers: { Authorization: `Bearer ${await token()}` } });
  return call<T>(sent.then(async (response) => {
    const answer = (await response.json().catch(() => undefined)) as T;
    return response.ok ? { data: answer, response } : { error: answer, response };
  }));
}
