import { IconCheck, IconFileText, IconMinus } from "@tabler/icons-react";
import { memo } from "react";
import type { Names } from "../../api/queries";
import { StatusBadge } from "../../parts/StatusBadge";
import type { LeadColumn } from "./values";

const SHORT = new Intl.DateTimeFormat(undefined, {
  year: "numeric",
  month: "short",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
});
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const DAY = new Intl.DateTimeFormat(undefined, {
  year: "numeric",
  month: "short",
  day: "2-digit",
  timeZone: "UTC",
});
const NUMBER = new Intl.NumberFormat();
const STATUSES = new Set(["status", "previous_status", "result"]);
const ICONS: Record<string, string> = {
  white: "gray",
  green: "green",
  blue: "blue",
  red: "red",
  grey: "gray",
};

/** A value as plain text, for titles, charts and chips. */
export function plainValue(column: LeadColumn, value: unknown, names: Names): string {
  if (value === null || value === undefined || value === "") return "";
  if (STATUSES.has(column.name)) return names.status(String(value))?.label ?? String(value);
  switch (column.kind) {
    case "owner":
      return names.actor(String(value));
    case "user":
      return names.user(String(value));
    case "instant":
      return moment(String(value));
    case "date":
      return day(String(value));
    case "boolean":
      return value === true || value === "true" ? "Yes" : "No";
    case "number":
      return typeof value === "number" ? NUMBER.format(value) : String(value);
  }
  if (Array.isArray(value)) return listed(column.name, value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function moment(text: string): string {
  const instant = new Date(text);
  return Number.isNaN(instant.getTime()) ? text : SHORT.format(instant);
}

function day(text: string): string {
  const instant = new Date(`${text}T00:00:00Z`);
  return Number.isNaN(instant.getTime()) ? text : DAY.format(instant);
}

function listed(name: string, items: readonly unknown[]): string {
  if (items.length === 0) return "";
  const last = items.at(-1) as Record<string, unknown>;
  if (name === "notes") return String(last.text ?? "");
  if (name === "contacts") {
    return items.map((one) => String((one as Record<string, unknown>).phone ?? "")).join(", ");
  }
  return NUMBER.format(items.length);
}

/** A value as the grid draws it. Light on purpose: hundreds of these are on the page. */
export const Cell = memo(function Cell({
  column,
  value,
  names,
}: {
  column: LeadColumn;
  value: unknown;
  names: Names;
}) {
  if (value === null || value === undefined || value === "") return null;
  if (STATUSES.has(column.name)) return <StatusBadge code={String(value)} />;
  if (column.kind === "instant") {
    const instant = new Date(String(value));
    if (Number.isNaN(instant.getTime())) return <>{String(value)}</>;
    return (
      <time dateTime={String(value)} title={WHOLE.format(instant)} className="moment">
        {SHORT.format(instant)}
      </time>
    );
  }
  if (column.kind === "boolean") {
    return value === true ? (
      <IconCheck size={15} role="img" aria-label="Yes" />
    ) : (
      <IconMinus size={15} role="img" aria-label="No" opacity={0.45} />
    );
  }
  if (column.name === "contract_icon") {
    const colour = ICONS[String(value)] ?? "yellow";
    const text = String(value).replace("_", " ");
    return (
      <IconFileText
        size={16}
        color={`var(--mantine-color-${colour}-6)`}
        role="img"
        aria-label={text}
      />
    );
  }
  return <>{plainValue(column, value, names)}</>;
});
