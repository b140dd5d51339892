// A file of the API onto the user's disk: browsers send no bearer token with a plain link.
import { ApiError } from "./client";
import { token } from "./session";

/** Fetch a path and save it under the name the server gives it; throws `ApiError`. */
export async function download(path: string, fallbackName: string): Promise<void> {
  const answer = await fetch(path, { headers: { Authorization: `Bearer ${await token()}` } }).catch((error: unknown) => {
    throw new ApiError(0, "offline", String(error));
  });
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string };
    throw new ApiError(answer.status, problem.code ?? "", problem.detail ?? answer.statusText, problem);
  }
  const name = /filename\*?=(?:UTF-8'')?"?([^";]+)/i.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name ? decodeURIComponent(name) : fallbackName;
  link.click();
  URL.revokeObjectURL(link.href);
}
