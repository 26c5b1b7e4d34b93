import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { api, data, type Schemas } from "../api/client";
import { minPosition } from "../api/lag";
import { useCampaigns } from "../api/queries";

export type Lead = Schemas["Lead"];
export type LeadThen = Schemas["LeadThen"];
export type LogEntry = Schemas["LogEntry"];

/** What a statement of the whole log's position knows: reads wait for it. */
export function waiting(heard: number): { min_position: number } {
  return { min_position: Math.max(minPosition(), heard) };
}

/** A lead with its page, as it is or as it was known at `asOf`. */
export function useLead(leadId: string, asOf: string | undefined, heard: number) {
  return useQuery({
    queryKey: ["lead", leadId, "page", asOf ?? "now"],
    placeholderData: keepPreviousData,
    queryFn: () =>
      data(
        api.GET("/v1/leads/{lead_id}", {
          params: {
            path: { lead_id: leadId },
            query: { ...waiting(heard), ...(asOf !== undefined && { as_of: asOf }) },
          },
        }),
      ),
  });
}

/** What is asked of a lead's log. */
export interface LogAsked {
  kinds: readonly string[];
  actor: string | undefined;
  asOf: string | undefined;
}

const PAGE = 50;

/** A lead's log, newest first, page after page. */
export function useLog(leadId: string, asked: LogAsked, heard: number) {
  return useInfiniteQuery({
    queryKey: ["lead", leadId, "log", asked],
    initialPageParam: "",
    placeholderData: keepPreviousData,
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/v1/leads/{lead_id}/log", {
          params: {
            path: { lead_id: leadId },
            query: {
              ...waiting(heard),
              limit: PAGE,
              kind: [...asked.kinds],
              ...(asked.actor !== undefined && { actor: [asked.actor] }),
              ...(asked.asOf !== undefined && { as_of: asked.asOf }),
              ...(pageParam !== "" && { cursor: pageParam }),
            },
          },
        }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

/** Who may call a lead and when. */
export interface CallAsked {
  agent?: string;
  at?: string;
}

/** Whether a lead may be called, with every reason why not. */
export function useCallable(leadId: string, asked: CallAsked, version: number) {
  return useQuery({
    queryKey: ["lead", leadId, "callable", asked, version],
    placeholderData: keepPreviousData,
    queryFn: () =>
      data(
        api.GET("/v1/leads/{lead_id}/callable", {
          params: { path: { lead_id: leadId }, query: asked },
        }),
      ),
  });
}

/** What lies between two moments of a lead. */
export function useDiff(leadId: string, from: string, to: string, enabled: boolean) {
  return useQuery({
    queryKey: ["lead", leadId, "diff", from, to],
    enabled,
    placeholderData: keepPreviousData,
    queryFn: () =>
      data(
        api.GET("/v1/leads/{lead_id}/diff", {
          params: { path: { lead_id: leadId }, query: { from, to } },
        }),
      ),
  });
}

/** The proof that a lead's events are whole and stand in the signed log. */
export function useProof(leadId: string) {
  return useQuery({
    queryKey: ["lead", leadId, "proof"],
    queryFn: () =>
      data(api.GET("/v1/leads/{lead_id}/proof", { params: { path: { lead_id: leadId } } })),
  });
}

const SLOW_TO_CHANGE_MS = 60_000;

/** The names of a lead's campaign, pool and segment, as far as the caller sees them. */
export function usePlaces(lead: Lead): { campaign?: string; pool?: string; segment?: string } {
  const campaigns = useCampaigns().data?.campaigns;
  const poolId = lead.pool_id ?? "";
  const segmentId = lead.segment_id ?? "";
  const pool = useQuery({
    queryKey: ["pools", poolId, "name"],
    enabled: poolId !== "",
    staleTime: SLOW_TO_CHANGE_MS,
    retry: false,
    queryFn: () =>
      data(api.GET("/v1/pools/{pool_id}", { params: { path: { pool_id: poolId }, query: {} } })),
  });
  const segment = useQuery({
    queryKey: ["segments", segmentId, "name"],
    enabled: segmentId !== "",
    staleTime: SLOW_TO_CHANGE_MS,
    retry: false,
    queryFn: () =>
      data(
        api.GET("/v1/segments/{segment_id}", {
          params: { path: { segment_id: segmentId }, query: {} },
        }),
      ),
  });
  const campaign = campaigns?.find((one) => one.campaign_id === lead.campaign_id)?.name;
  const inPool = pool.data?.pool.name;
  const inSegment = segment.data?.segment.name;
  return {
    ...(campaign !== undefined && { campaign }),
    ...(inPool !== undefined && { pool: inPool }),
    ...(inSegment !== undefined && { segment: inSegment }),
  };
}
