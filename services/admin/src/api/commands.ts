import { useMutation, useQueryClient } from "@tanstack/react-query";
import catalogue from "../generated/commands.json";
import { raw, type Schemas } from "./client";
import { wrote } from "./lag";

/** A JSON schema as the OpenAPI document has it for a command's field. */
export interface FieldSchema {
  type?: string;
  title?: string;
  description?: string;
  format?: string;
  pattern?: string;
  enum?: readonly unknown[];
  const?: unknown;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: FieldSchema;
  properties?: Record<string, FieldSchema>;
  required?: readonly string[];
  anyOf?: readonly FieldSchema[];
  oneOf?: readonly FieldSchema[];
  additionalProperties?: boolean | FieldSchema;
  "x-filter"?: boolean;
}

/** A command of the API: what its form, its permission and its request are made of. */
export interface CommandSpec {
  name: string;
  path: string;
  summary: string;
  description: string;
  roles: readonly string[];
  bulk: boolean;
  schema: FieldSchema;
}

/** Every command there is. */
export const commands = catalogue as unknown as readonly CommandSpec[];

const byName = new Map(commands.map((command) => [command.name, command]));

/** The command of that name; throws when there is none, which is a mistake in this code. */
export function commandNamed(name: string): CommandSpec {
  const found = byName.get(name);
  if (found === undefined) throw new Error(`no command is called ${name}`);
  return found;
}

const NAMES: Record<string, string> = { api: "API", sms: "SMS", whatsapp: "WhatsApp" };

/** "ChangeOwner" as people read it: "Change owner". */
export function commandLabel(name: string): string {
  const words = name
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .replace(/\b(api|sms|whatsapp)\b/g, (word) => NAMES[word] ?? word);
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What a command is sent with. `version` is the one seen: the service refuses when it matters. */
export interface Sending {
  name: string;
  id?: string;
  body?: unknown;
  version?: number | undefined;
  key?: string;
}

/** A key for one press of a button: sent again with it, a command has its effect once. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Sends one command; returns its answer or throws a `Problem` with every reason. */
export async function send(sending: Sending): Promise<Schemas["CommandAnswer"]> {
  const path = commandNamed(sending.name).path.replace(
    "{id}",
    encodeURIComponent(sending.id ?? ""),
  );
  const headers: Record<string, string> = {
    "Content-Type": "application/json",
    "Idempotency-Key": sending.key ?? newKey(),
  };
  if (sending.version !== undefined) headers["If-Match"] = `"${sending.version}"`;
  const response = await raw(path, {
    method: "POST",
    headers,
    body: JSON.stringify(sending.body ?? {}),
  });
  const answer = (await response.json()) as Schemas["CommandAnswer"];
  if (typeof answer.position === "number") wrote(answer.position);
  return answer;
}

/** A mutation that sends commands and then reads anew all that is on the page. */
export function useCommand() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: send,
    onSuccess: () => queries.invalidateQueries(),
  });
}
