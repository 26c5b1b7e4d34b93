import { Group, Switch, Tabs, Title } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useMe, useOrganisation } from "../api/queries";
import { CommandButton } from "../parts/CommandButton";
import { Loading } from "../parts/Loading";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Keys } from "./Keys";
import type { OrganisationSearch } from "./routes";
import { Statuses } from "./Statuses";
import { TeamTree } from "./TeamTree";

const route = getRouteApi("/organisation");

/** Teams and users, the keys they act by, and the statuses that leads can have. */
export function OrganisationPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { data: me } = useMe();
  const organisation = useOrganisation();
  const tab = search.tab ?? "people";
  const seesKeys = me !== undefined && ["admin", "auditor"].includes(me.role);
  const go = (next: OrganisationSearch) => navigate({ search: next, replace: true });
  return (
    <div className="page">
      <Group mb="sm">
        <Title order={1}>Organisation</Title>
        {tab === "people" && (
          <Group ml="auto" gap="sm">
            <Switch
              size="xs"
              label="With those that are switched off"
              checked={search.inactive === true}
              onChange={(event) => go(event.currentTarget.checked ? { inactive: true } : {})}
            />
            <CommandButton target={{ name: "" }} command="AddTeam" label="Add a team" />
            <CommandButton
              target={{ name: "" }}
              command="AddUser"
              label="Add a user"
              button={{ variant: "filled" }}
            />
          </Group>
        )}
        {tab === "statuses" && (
          <Group ml="auto">
            <CommandButton
              target={{ name: "" }}
              command="AddStatus"
              label="Add a status"
              button={{ variant: "filled" }}
            />
          </Group>
        )}
      </Group>
      <Tabs
        value={tab}
        onChange={(value) => go(value === "keys" || value === "statuses" ? { tab: value } : {})}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="people">Teams and users</Tabs.Tab>
          <Tabs.Tab value="statuses">Statuses</Tabs.Tab>
          {seesKeys && <Tabs.Tab value="keys">API keys</Tabs.Tab>}
        </Tabs.List>
      </Tabs>
      {organisation.error !== null && (
        <ProblemAlert error={organisation.error} retry={() => organisation.refetch()} />
      )}
      {organisation.isPending && <Loading lines={8} />}
      {organisation.data !== undefined && tab === "people" && (
        <TeamTree organisation={organisation.data} inactive={search.inactive === true} />
      )}
      {organisation.data !== undefined && tab === "statuses" && (
        <Statuses statuses={organisation.data.statuses} />
      )}
      {organisation.data !== undefined && tab === "keys" && seesKeys && <Keys />}
    </div>
  );
}
