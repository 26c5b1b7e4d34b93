import { Group, Select, Tabs } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useCampaigns, useMe, useOrganisation } from "../api/queries";
import { PageHead } from "../parts/PageHead";
import { CallbackList } from "./CallbackList";
import { ContractList } from "./ContractList";
import { DialList } from "./DialList";
import { WORK_TABS, type WorkSearch, type WorkTab } from "./routes";
import { TaskList } from "./TaskList";

const route = getRouteApi("/work");

const LABELS: Record<WorkTab, string> = {
  worklist: "Waiting for you",
  callbacks: "Callbacks",
  "dial-list": "Dial list",
  contracts: "Contracts",
};

/** What is to be done: by an agent, at a time, next on the phone, with a contract. */
export function WorkPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const tab = search.tab ?? "worklist";
  const ask = (change: WorkSearch) => navigate({ search: change, replace: true });
  return (
    <div className="page">
      <PageHead
        title="Work"
        actions={
          <Group gap="xs">
            {tab !== "contracts" && (
              <AgentSelect
                value={search.agent}
                onChange={(agent) => ask(without(search, "agent", agent))}
              />
            )}
            {tab !== "worklist" && (
              <CampaignSelect
                value={search.campaign}
                onChange={(campaign) => ask(without(search, "campaign", campaign))}
              />
            )}
          </Group>
        }
      />
      <Tabs
        value={tab}
        onChange={(value) => ask({ ...search, tab: value as WorkTab })}
        keepMounted={false}
      >
        <Tabs.List mb="sm">
          {WORK_TABS.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {LABELS[one]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="worklist">
          <TaskList agent={search.agent} />
        </Tabs.Panel>
        <Tabs.Panel value="callbacks">
          <CallbackList search={search} onWhen={(when) => ask({ ...search, when })} />
        </Tabs.Panel>
        <Tabs.Panel value="dial-list">
          <DialList agent={search.agent} campaign={search.campaign} />
        </Tabs.Panel>
        <Tabs.Panel value="contracts">
          <ContractList
            campaign={search.campaign}
            icon={search.icon}
            onIcon={(icon) => ask(without(search, "icon", icon))}
          />
        </Tabs.Panel>
      </Tabs>
    </div>
  );
}

/** The search with one thing set, or left out when there is none. */
function without(
  search: WorkSearch,
  name: "agent" | "campaign" | "icon",
  value: string | null,
): WorkSearch {
  const { [name]: _, ...rest } = search;
  return value ? { ...rest, [name]: value } : rest;
}

function AgentSelect(props: {
  value: string | undefined;
  onChange: (agent: string | null) => void;
}) {
  const { data: me } = useMe();
  const { data: organisation } = useOrganisation();
  if (me?.role === "agent") return null;
  return (
    <Select
      aria-label="Agent"
      placeholder="You"
      clearable
      w={200}
      value={props.value ?? null}
      data={(organisation?.users ?? [])
        .filter((user) => user.role !== "dialer")
        .map((user) => ({ value: user.user_id, label: user.name }))}
      onChange={props.onChange}
    />
  );
}

function CampaignSelect(props: {
  value: string | undefined;
  onChange: (campaign: string | null) => void;
}) {
  const { data: campaigns } = useCampaigns();
  return (
    <Select
      aria-label="Campaign"
      placeholder="All campaigns"
      clearable
      w={220}
      value={props.value ?? null}
      data={(campaigns?.campaigns ?? []).map((one) => ({
        value: one.campaign_id,
        label: one.name,
      }))}
      onChange={props.onChange}
    />
  );
}
