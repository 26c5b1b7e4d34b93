import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, data } from "../../api/client";
import { minPosition } from "../../api/lag";
import { useCampaigns, useColumns, useOrganisation } from "../../api/queries";
import { useFrame } from "./form";
import type { Meaning } from "./shapes";

/** One thing to choose, and the group it stands under, if any. */
export interface Option {
  value: string;
  label: string;
  group?: string;
}

const GROUPS: Record<string, string> = { open: "Open", held: "Held", closed: "Closed" };
const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const A_MINUTE_MS = 60_000;

const CHOSEN: readonly Meaning[] = [
  "campaign",
  "column",
  "field",
  "owner",
  "pool",
  "segment",
  "status",
  "team",
  "user",
  "view",
  "weekday",
  "zone",
];

/** Whether one chooses a value of this meaning out of a list. */
export function isChosen(meaning: Meaning): boolean {
  return CHOSEN.includes(meaning);
}

/** The template fields of a campaign, in its order; empty while they are not known. */
export function useTemplate(campaignId: string | null): readonly TemplateField[] {
  const campaigns = useCampaigns();
  return useMemo(() => {
    const found = campaigns.data?.campaigns.find((one) => one.campaign_id === campaignId);
    return (found?.fields ?? []) as unknown as TemplateField[];
  }, [campaigns.data, campaignId]);
}

/** A field of a campaign's template. */
export interface TemplateField {
  import_name: string;
  label: string;
  type: string;
  values: readonly string[];
  required: boolean;
  personal: boolean;
}

/** What can be chosen for a meaning, as far as the caller sees it. */
export function useOptions(meaning: Meaning): readonly Option[] {
  const { campaignId } = useFrame();
  const organisation = useOrganisation().data;
  const campaigns = useCampaigns().data;
  const columns = useColumns().data;
  const template = useTemplate(campaignId);
  const pools = useQuery({
    queryKey: ["pools", "choice", campaignId],
    enabled: meaning === "pool",
    staleTime: A_MINUTE_MS,
    queryFn: () =>
      data(
        api.GET("/v1/pools", {
          params: {
            query: {
              limit: 200,
              min_position: minPosition(),
              ...(campaignId !== null && { campaign: campaignId }),
            },
          },
        }),
      ),
  }).data;
  const segments = useQuery({
    queryKey: ["segments", "choice"],
    enabled: meaning === "segment",
    staleTime: A_MINUTE_MS,
    queryFn: () => data(api.GET("/v1/segments", { params: { query: {} } })),
  }).data;
  const views = useQuery({
    queryKey: ["views", "choice"],
    enabled: meaning === "view",
    staleTime: A_MINUTE_MS,
    queryFn: () => data(api.GET("/v1/views", { params: { query: {} } })),
  }).data;
  return useMemo((): readonly Option[] => {
    const teams = (organisation?.teams ?? []).filter((team) => team.active);
    const users = (organisation?.users ?? []).filter((user) => user.active);
    const team = new Map(teams.map((one) => [one.team_id, one.name]));
    switch (meaning) {
      case "owner":
        return [
          ...teams.map((one) => ({
            value: `team:${one.team_id}`,
            label: one.name,
            group: "Teams",
          })),
          ...users
            .filter((one) => one.role !== "dialer")
            .map((one) => ({ value: `user:${one.user_id}`, label: one.name, group: "Users" })),
        ];
      case "user":
        return users
          .filter((one) => one.role !== "dialer")
          .map((one) => ({
            value: one.user_id,
            label: one.name,
            group: team.get(one.team_id) ?? "Other teams",
          }))
          .toSorted((a, b) => a.group.localeCompare(b.group));
      case "team":
        return teams.map((one) => ({ value: one.team_id, label: one.name }));
      case "status":
        return Object.keys(GROUPS).flatMap((group) =>
          (organisation?.statuses ?? [])
            .filter((one) => one.group === group && one.active)
            .map((one) => ({ value: one.code, label: one.label, group: GROUPS[group] ?? group })),
        );
      case "campaign":
        return (campaigns?.campaigns ?? []).map((one) => ({
          value: one.campaign_id,
          label: one.active ? one.name : `${one.name} (not active)`,
          group: one.project || "No project",
        }));
      case "pool":
        return (pools?.pools ?? []).map((one) => ({ value: one.pool_id, label: one.name }));
      case "segment":
        return (segments?.segments ?? []).map((one) => ({
          value: one.segment_id,
          label: one.active ? one.name : `${one.name} (not active)`,
        }));
      case "view":
        return (views?.views ?? []).map((one) => ({ value: one.view, label: one.name }));
      case "column":
        return (columns?.columns ?? []).map((one) => ({ value: one.name, label: one.label }));
      case "field":
        return template.map((one) => ({
          value: one.import_name,
          label: one.label || one.import_name,
        }));
      case "weekday":
        return WEEKDAYS.map((label, index) => ({ value: String(index + 1), label }));
      case "zone":
        return zones();
      default:
        return [];
    }
  }, [meaning, organisation, campaigns, columns, template, pools, segments, views]);
}

/** Every time zone that the browser knows, by region. */
function zones(): readonly Option[] {
  const known = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((one) => one !== "UTC")];
  return known.map((zone) => ({
    value: zone,
    label: zone.replaceAll("_", " "),
    group: zone.includes("/") ? (zone.split("/")[0] ?? "") : "Universal",
  }));
}

/** Options as Mantine's inputs take them: under their groups where they have some. */
export function grouped(options: readonly Option[]) {
  if (options.every((one) => one.group === undefined)) {
    return options.map(({ value, label }) => ({ value, label }));
  }
  const groups = new Map<string, Option[]>();
  for (const one of options) {
    const group = groups.get(one.group ?? "");
    if (group === undefined) groups.set(one.group ?? "", [one]);
    else group.push(one);
  }
  return [...groups].map(([group, items]) => ({
    group,
    items: items.map(({ value, label }) => ({ value, label })),
  }));
}
