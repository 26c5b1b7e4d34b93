import { newKey } from "../api/commands";
import { Problem, problemOf } from "../api/problem";
import { currentKey, endSession } from "../session/key";

/** A file on its way: where to, and who wants to hear how far it is. */
export interface Upload {
  path: string;
  file: File;
  type: string;
  /** Hears the part that has gone out, from 0 to 1. */
  onProgress: (part: number) => void;
  signal?: AbortSignal;
}

/**
 * Sends a file and says how far it is, which `fetch` cannot. Returns the JSON of the answer or
 * throws a `Problem`; an upload that was given up throws an `AbortError`.
 */
export function upload<T>({ path, file, type, onProgress, signal }: Upload): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("Authorization", `Bearer ${currentKey() ?? ""}`);
    request.setRequestHeader("Content-Type", type);
    request.setRequestHeader("Idempotency-Key", newKey());
    request.upload.onprogress = (event) => {
      if (event.lengthComputable && event.total > 0) onProgress(event.loaded / event.total);
    };
    request.onerror = () => reject(Problem.unreachable());
    request.onabort = () => reject(new DOMException("given up", "AbortError"));
    request.onload = () => {
      if (request.status === 401) endSession("Your key is no longer accepted. Sign in again.");
      if (request.status >= 200 && request.status < 300) {
        resolve(JSON.parse(request.responseText) as T);
      } else {
        problemOf(new Response(request.responseText, { status: request.status })).then(reject);
      }
    };
    signal?.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
