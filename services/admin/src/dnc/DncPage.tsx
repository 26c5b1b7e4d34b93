import { Group, Select, Switch, Tabs, TextInput, Title } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { useCampaigns } from "../api/queries";
import { ShowMore } from "../jobs/ShowMore";
import { CommandButton } from "../parts/CommandButton";
import { EmptyState } from "../parts/EmptyState";
import { Loading } from "../parts/Loading";
import { ProblemAlert } from "../parts/ProblemAlert";
import { EntryTable } from "./EntryTable";
import { EraseNumber } from "./EraseNumber";
import { Files } from "./Files";
import { international, isNumber } from "./numbers";
import { useEntries } from "./queries";
import type { DncSearch } from "./routes";

const TYPING_MS = 250;
const route = getRouteApi("/do-not-call");

/** Numbers that are not called: found, added, lifted, erased, and files of them. */
export function DncPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const tab = search.tab ?? "entries";
  return (
    <div className="page">
      <Group mb="sm">
        <Title order={1}>Do not call</Title>
        <Group ml="auto" gap="sm">
          <EraseNumber />
          <CommandButton
            target={{ name: "" }}
            command="AddToDoNotCall"
            label="Add a number"
            initial={{
              scope: "global",
              ...(search.number !== undefined && { number: international(search.number) }),
            }}
            button={{ variant: "filled" }}
          />
        </Group>
      </Group>
      <Tabs
        value={tab}
        onChange={(value) => navigate({ search: value === "files" ? { tab: "files" } : {} })}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="entries">Numbers</Tabs.Tab>
          <Tabs.Tab value="files">Files</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="entries">{tab === "entries" && <Entries />}</Tabs.Panel>
        <Tabs.Panel value="files">{tab === "files" && <Files />}</Tabs.Panel>
      </Tabs>
    </div>
  );
}

function Entries() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const campaigns = useCampaigns();
  const entries = useEntries(search);
  const [typed, setTyped] = useState(search.number ?? "");
  const number = international(typed);
  const change = (part: { [key in keyof DncSearch]: DncSearch[key] | undefined }) => {
    const next = Object.entries({ ...search, ...part }).filter(([, value]) => value !== undefined);
    navigate({ search: Object.fromEntries(next) as DncSearch, replace: true });
  };
  const look = useDebouncedCallback((text: string) => {
    const wanted = international(text);
    change({ number: isNumber(wanted) ? wanted : undefined });
  }, TYPING_MS);
  const all = entries.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <>
      <Group mb="md" align="start">
        <TextInput
          aria-label="Number"
          placeholder="A whole number, +1 415 555 0100"
          w={280}
          leftSection={<IconSearch size={14} aria-hidden />}
          value={typed}
          error={typed !== "" && !isNumber(number) ? "With its country code" : null}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            look(event.currentTarget.value);
          }}
        />
        <Select
          aria-label="Scope"
          placeholder="Everywhere"
          clearable
          w={260}
          value={search.campaign ?? search.scope ?? null}
          data={[
            { value: "global", label: "In all campaigns" },
            { value: "campaign", label: "In one campaign" },
            ...(campaigns.data?.campaigns ?? []).map((one) => ({
              value: one.campaign_id,
              label: one.name,
            })),
          ]}
          onChange={(value) =>
            change(
              value === "global" || value === "campaign"
                ? { scope: value, campaign: undefined }
                : { scope: undefined, campaign: value ?? undefined },
            )
          }
        />
        <Switch
          mt={8}
          label="With those that have ended"
          checked={search.ended === true}
          onChange={(event) => change({ ended: event.currentTarget.checked || undefined })}
        />
      </Group>
      {entries.error !== null && (
        <ProblemAlert error={entries.error} retry={() => entries.refetch()} />
      )}
      {entries.isPending && <Loading lines={8} />}
      {entries.data !== undefined && all.length === 0 && (
        <EmptyState
          title={search.number === undefined ? "No number is on a list" : "It is on no list"}
        >
          {search.number === undefined
            ? "Add a number, or a file of them: no lead with it is dialled or written to."
            : `Nothing here keeps ${search.number} from being called.`}
        </EmptyState>
      )}
      {all.length > 0 && <EntryTable entries={all} />}
      <ShowMore of={entries} />
    </>
  );
}
