import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "../generated/schema";
import { currentKey, endSession } from "../session/key";
import { reportLag } from "./lag";
import { Problem, problemOf } from "./problem";

/** The shapes of the API by name, as its OpenAPI document has them. */
export type Schemas = components["schemas"];

/** Adds the caller's key, and turns every answer that is not 2xx into a thrown `Problem`. */
const edge: Middleware = {
  onRequest({ request }) {
    const key = currentKey();
    if (key !== null) request.headers.set("Authorization", `Bearer ${key}`);
    return request;
  },
  async onResponse({ response }) {
    if (response.ok) return undefined;
    if (response.status === 401) endSession("Your key is no longer accepted. Sign in again.");
    throw await problemOf(response);
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === "AbortError") return error;
    return Problem.unreachable();
  },
};

/** The API, typed by its OpenAPI document. Calls return their data or throw a `Problem`. */
export const api = createClient<paths>({
  baseUrl: window.location.origin,
  // Looked up at each call, so that a test can stand in for the network.
  fetch: (request) => globalThis.fetch(request),
  querySerializer: { array: { style: "form", explode: true } },
});
api.use(edge);

/** The data of an answer that did not throw. */
export async function data<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const told = (await answer).data as T;
  reportLag(told);
  return told;
}

/** A fetch with the caller's key for what is not JSON: files, streams. Throws a `Problem`. */
export async function raw(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const key = currentKey();
  if (key !== null) headers.set("Authorization", `Bearer ${key}`);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw Problem.unreachable();
  }
  if (response.status === 401) endSession("Your key is no longer accepted. Sign in again.");
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** Saves an answer of the API as a file under the name that the service gives it. */
export async function download(path: string, fallbackName: string, init?: RequestInit) {
  const response = await raw(path, init);
  const named = /filename="([^"]+)"/.exec(response.headers.get("content-disposition") ?? "");
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = named?.[1] ?? fallbackName;
  link.click();
  URL.revokeObjectURL(url);
}
