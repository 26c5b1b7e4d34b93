import { words } from "../parts/command/words";

/** Seconds as people read them: "1 h 02 min", "3 min 20 s". */
export function duration(seconds: number | null | undefined): string {
  if (!seconds) return "0 s";
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours > 0) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  const rest = seconds % 60;
  if (minutes > 0) return `${minutes} min ${String(rest).padStart(2, "0")} s`;
  return `${rest} s`;
}

/** What a field of a change is called: "fields.age" is "Age", "contacts.1.phone" tells which. */
export function changedField(field: string): string {
  if (field.startsWith("fields.")) return words(field.slice("fields.".length));
  return words(field.replaceAll(".", " "));
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

/** Whether a value is an instant that is shown by the viewer's clock. */
export function isInstant(value: unknown): value is string {
  return typeof value === "string" && INSTANT.test(value);
}

/** A plain value as text; what is none is an empty one. */
export function plain(value: unknown): string {
  if (value === null || value === undefined || value === "") return "";
  if (value === true) return "yes";
  if (value === false) return "no";
  if (Array.isArray(value)) return value.map(plain).join(", ");
  if (typeof value === "object") {
    return Object.entries(value)
      .map(([name, one]) => `${words(name)}: ${plain(one)}`)
      .join(", ");
  }
  return String(value);
}

/** What the colours of a contract's icon mean, in words. */
export const ICONS: Record<string, { colour: string; text: string }> = {
  blue: { colour: "blue", text: "asked for help" },
  green: { colour: "green", text: "accepted" },
  grey: { colour: "gray", text: "expired" },
  red: { colour: "red", text: "cancelled" },
  white: { colour: "white", text: "updated" },
  yellow_1: { colour: "yellow", text: "confirmation sent" },
  yellow_2: { colour: "yellow", text: "1st reminder sent" },
  yellow_3: { colour: "yellow", text: "2nd reminder sent" },
  yellow_4: { colour: "yellow", text: "3rd reminder sent" },
};
