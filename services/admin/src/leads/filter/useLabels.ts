import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, data } from "../../api/client";
import { minPosition } from "../../api/lag";
import { type Names, useCampaigns, useColumns, useNames, useOrganisation } from "../../api/queries";
import { kindLabel } from "../../parts/kinds";
import { ZONE } from "../../parts/Moment";
import { plainValue } from "../grid/Cell";
import { columnNamed, type LeadColumn } from "../grid/values";
import { spanOf } from "./quick";
import type { Logged, Range, Scalar, Tree } from "./tree";

/** A value one may choose, and what it is called. */
export interface Option {
  value: string;
  label: string;
}

/** Names and choices for what filters are made of. */
export interface Labels {
  columns: ReadonlyMap<string, LeadColumn>;
  column(name: string): LeadColumn;
  options(name: string): readonly Option[];
  value(name: string, value: Scalar): string;
  describe(node: Tree): string;
}

const NO_OPTIONS: readonly Option[] = [];

/** The segments there are. */
export function useSegments() {
  return useQuery({
    queryKey: ["segments"],
    queryFn: () =>
      data(api.GET("/v1/segments", { params: { query: { min_position: minPosition() } } })),
    staleTime: 60_000,
  });
}

/** Looks up names and choices for filters. */
export function useLabels(): Labels {
  const columns = useColumns();
  const names = useNames();
  const organisation = useOrganisation();
  const campaigns = useCampaigns();
  const segments = useSegments();
  return useMemo(() => {
    const byName = new Map(columns.data?.columns.map((column) => [column.name, column]));
    const users = organisation.data?.users ?? [];
    const teams = organisation.data?.teams ?? [];
    const people = users.map((one) => ({ value: one.user_id, label: one.name }));
    const owners = [
      ...teams.map((one) => ({ value: `team:${one.team_id}`, label: one.name })),
      ...users.map((one) => ({ value: `user:${one.user_id}`, label: one.name })),
    ];
    const statuses = (organisation.data?.statuses ?? []).map((one) => ({
      value: one.code,
      label: one.label,
    }));
    const all = campaigns.data?.campaigns ?? [];
    const byField: Record<string, readonly Option[]> = {
      status: statuses,
      previous_status: statuses,
      result: statuses,
      campaign_id: all.map((one) => ({ value: one.campaign_id, label: one.name })),
      campaign_name: [...new Set(all.map((one) => one.name))].map(same),
      project: [...new Set(all.map((one) => one.project).filter((one) => one !== ""))].map(same),
      segment_id: (segments.data?.segments ?? []).map((one) => ({
        value: one.segment_id,
        label: one.name,
      })),
    };
    const column = (name: string) => columnNamed(byName, name);
    const options = (name: string) => {
      const kind = byName.get(name)?.kind;
      if (byField[name] !== undefined) return byField[name];
      if (kind === "owner") return owners;
      if (kind === "user") return people;
      return byName.get(name)?.values.map(same) ?? NO_OPTIONS;
    };
    const value = (name: string, one: Scalar) =>
      byField[name]?.find((option) => option.value === one)?.label ??
      timeWords(String(one)) ??
      plainValue(column(name), one, names);
    const team = (id: string) => names.actor(`team:${id}`);
    const describe = (node: Tree): string => describing(node, { column, value, team, names });
    return { columns: byName, column, options, value, describe };
  }, [columns.data, names, organisation.data, campaigns.data, segments.data]);
}

function same(value: string): Option {
  return { value, label: value };
}

/** A relative time in words: "today − 7 days". Undefined for any other text. */
export function timeWords(text: string): string | undefined {
  const found = /^(now|today|week|month|year)((?:[+-]\d+(?:min|mo|h|d|w|y))*)(?:@.*)?$/.exec(text);
  if (found === null) return undefined;
  const units: Record<string, string> = {
    min: "min",
    h: "h",
    d: "days",
    w: "weeks",
    mo: "months",
    y: "years",
  };
  const bases: Record<string, string> = {
    week: "start of week",
    month: "start of month",
    year: "start of year",
  };
  const shifts = (found[2] ?? "").replace(
    /([+-])(\d+)(min|mo|h|d|w|y)/g,
    (_, sign: string, amount: string, unit: string) =>
      ` ${sign === "-" ? "−" : "+"} ${amount} ${units[unit]}`,
  );
  return `${bases[found[1] ?? ""] ?? found[1]}${shifts}`;
}

interface Words {
  column: (name: string) => LeadColumn;
  value: (name: string, value: Scalar) => string;
  team: (id: string) => string;
  names: Names;
}

function listed(texts: readonly string[]): string {
  if (texts.length <= 3) return texts.join(" or ");
  return `${texts.slice(0, 2).join(", ")} or ${texts.length - 2} more`;
}

function describing(node: Tree, words: Words): string {
  switch (node.op) {
    case "and":
    case "or":
      return `(${node.of.map((one) => describing(one, words)).join(` ${node.op} `)})`;
    case "not":
      if (node.of.op === "is_empty") return `${words.column(node.of.field).label} is not empty`;
      return `not ${describing(node.of, words)}`;
    case "search":
      return `anything holds “${node.value}”`;
    case "log":
      return describingLog(node, words);
  }
  const label = words.column(node.field).label;
  switch (node.op) {
    case "equals":
      return `${label}: ${words.value(node.field, node.value)}`;
    case "in":
      return `${label}: ${listed(node.values.map((one) => words.value(node.field, one)))}`;
    case "contains":
      return `${label} holds “${node.value}”`;
    case "starts":
      return `${label} begins with “${node.value}”`;
    case "is_empty":
      return `${label} is empty`;
    case "in_teams": {
      const below = node.below === false ? "" : " and below";
      return `${label} in ${listed(node.teams.map(words.team))}${below}`;
    }
    case "range":
      return `${label} ${describingRange(node, words)}`;
  }
}

function describingRange(node: Range, words: Words): string {
  const span = spanOf(node, ZONE);
  if (span !== undefined) return span.label.toLowerCase();
  const signs = { gt: ">", gte: "≥", lt: "<", lte: "≤" } as const;
  return (Object.keys(signs) as (keyof typeof signs)[])
    .filter((name) => node[name] !== undefined && node[name] !== null)
    .map((name) => `${signs[name]} ${words.value(node.field, node[name] as Scalar)}`)
    .join(" and ");
}

function describingLog(node: Logged, words: Words): string {
  const kinds = node.kinds?.length ? node.kinds.map(kindLabel) : ["Call recorded"];
  const parts = [listed(kinds)];
  if (node.end_causes?.length) parts.push(`with end cause ${listed(node.end_causes)}`);
  if (node.dispositions?.length) parts.push(`with disposition ${listed(node.dispositions)}`);
  if (node.actors?.length) parts.push(`by ${listed(node.actors.map(words.names.actor))}`);
  if (node.since) parts.push(`since ${timeWords(node.since) ?? node.since}`);
  if (node.until) parts.push(`before ${timeWords(node.until) ?? node.until}`);
  if ((node.at_least ?? 1) > 1) parts.push(`at least ${node.at_least} times`);
  return `Log: ${parts.join(" ")}`;
}
