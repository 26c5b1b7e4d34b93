import type { Schemas } from "../../api/client";
import type { Names } from "../../api/queries";
import type { Scalar, Tree } from "../filter/tree";
import { plainValue } from "./Cell";
import type { LeadColumn } from "./values";

/** One slice of a breakdown: what it is called, how many, and the condition for its leads. */
export interface Slice {
  key: string;
  label: string;
  count: number;
  condition: Tree | null;
  colour: string;
}

const COLOURS = ["indigo", "teal", "orange", "grape", "cyan", "lime", "pink", "yellow", "blue"];
const EMPTY = "gray";

function conditionOf(column: LeadColumn, part: Schemas["Part"]): Tree {
  const value = part.value as Scalar;
  const to = part.to as string | number | null | undefined;
  if (to !== null && to !== undefined) {
    return { op: "range", field: column.name, gte: value as string | number, lt: to };
  }
  if (column.kind === "instant") {
    return { op: "range", field: column.name, gte: value as string, lte: value as string };
  }
  return { op: "equals", field: column.name, value };
}

function labelOf(column: LeadColumn, part: Schemas["Part"], names: Names): string {
  const from = plainValue(column, part.value, names);
  if (part.to === null || part.to === undefined) return from;
  return `${from} – ${plainValue(column, part.to, names)}`;
}

/** The colour of a slice; the same ones come again, paler, where there are many. */
function colourOf(index: number): string {
  const shade = index < COLOURS.length ? 6 : 3;
  return `var(--mantine-color-${COLOURS[index % COLOURS.length]}-${shade})`;
}

/** The slices of a breakdown, those of `other` and empty values last. */
export function slicesOf(column: LeadColumn, told: Schemas["Breakdown"], names: Names): Slice[] {
  const slices: Slice[] = told.parts.map((part, index) => ({
    key: String(part.value),
    label: labelOf(column, part, names),
    count: part.count,
    condition: conditionOf(column, part),
    colour: colourOf(index),
  }));
  if (told.other > 0) {
    const colour = `var(--mantine-color-${EMPTY}-5)`;
    slices.push({ key: "other", label: "All others", count: told.other, condition: null, colour });
  }
  if (told.empty > 0) {
    slices.push({
      key: "empty",
      label: "Empty",
      count: told.empty,
      condition: { op: "is_empty", field: column.name },
      colour: `var(--mantine-color-${EMPTY}-3)`,
    });
  }
  return slices;
}

/** The path of a slice of a pie of radius 1 around 0, from one share of the round to another. */
export function wedge(from: number, to: number): string {
  const point = (share: number) => {
    const angle = share * 2 * Math.PI - Math.PI / 2;
    return `${Math.cos(angle).toFixed(5)} ${Math.sin(angle).toFixed(5)}`;
  };
  if (to - from >= 0.99999) return "M 0 -1 A 1 1 0 1 1 0 1 A 1 1 0 1 1 0 -1 Z";
  const large = to - from > 0.5 ? 1 : 0;
  return `M 0 0 L ${point(from)} A 1 1 0 ${large} 1 ${point(to)} Z`;
}
