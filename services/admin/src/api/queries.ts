import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, data, type Schemas } from "./client";
import { minPosition } from "./lag";

const SLOW_TO_CHANGE_MS = 60_000;

/** Who is signed in: role, rights, team. */
export function useMe() {
  return useQuery({
    queryKey: ["me"],
    queryFn: () => data(api.GET("/v1/me")),
    staleTime: SLOW_TO_CHANGE_MS,
  });
}

/** Every column that lists can show, template fields too. */
export function useColumns() {
  return useQuery({
    queryKey: ["columns"],
    queryFn: () => data(api.GET("/v1/leads/columns")),
    staleTime: SLOW_TO_CHANGE_MS,
  });
}

/** Teams, users and statuses. */
export function useOrganisation() {
  return useQuery({
    queryKey: ["organisation"],
    queryFn: () =>
      data(api.GET("/v1/organisation", { params: { query: { min_position: minPosition() } } })),
    staleTime: SLOW_TO_CHANGE_MS,
  });
}

/** The campaigns in sight. */
export function useCampaigns() {
  return useQuery({
    queryKey: ["campaigns"],
    queryFn: () =>
      data(api.GET("/v1/campaigns", { params: { query: { min_position: minPosition() } } })),
    staleTime: SLOW_TO_CHANGE_MS,
  });
}

/** Names for ids: of teams, users, statuses. An id that is not known stays as it is. */
export interface Names {
  actor(text: string | null | undefined): string;
  user(id: string | null | undefined): string;
  status(code: string | null | undefined): Schemas["StatusEntry"] | undefined;
}

/** Looks up names in what is known of the organisation. */
export function useNames(): Names {
  const { data: organisation } = useOrganisation();
  return useMemo(() => {
    const users = new Map(organisation?.users.map((user) => [user.user_id, user.name]));
    const teams = new Map(organisation?.teams.map((team) => [team.team_id, team.name]));
    const statuses = new Map(organisation?.statuses.map((status) => [status.code, status]));
    const user = (id: string | null | undefined) => (id ? (users.get(id) ?? id) : "");
    return {
      user,
      actor(text) {
        if (!text) return "";
        const [kind = "", id = ""] = text.split(/:(.*)/s);
        if (kind === "team") return teams.get(id) ?? text;
        return users.get(id) ?? (kind === "user" ? text : `${kind} ${id}`);
      },
      status: (code) => (code ? statuses.get(code) : undefined),
    };
  }, [organisation]);
}
