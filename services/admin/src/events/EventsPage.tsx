import { Button, Code, Group, NumberInput, Select, Table, Text, TextInput } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { api, data, type Schemas } from "../api/client";
import { minPosition } from "../api/lag";
import { useNames } from "../api/queries";
import { EmptyState } from "../parts/EmptyState";
import { kindLabel } from "../parts/kinds";
import { LeadLink } from "../parts/LeadLink";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { MoreButton } from "../parts/MoreButton";
import { count } from "../parts/numbers";
import { PageHead } from "../parts/PageHead";
import { ProblemAlert } from "../parts/ProblemAlert";
import type { EventsSearch } from "./routes";
import { Trust } from "./Trust";

const route = getRouteApi("/events");
const PAGE = 100;
const CATEGORIES = [
  "lead",
  "campaign",
  "pool",
  "segment",
  "organisation",
  "dnc",
  "bulk",
  "import",
  "export",
  "mailing",
  "view",
  "favourite",
  "quarantine",
] as const;

/** The whole log, forwards from any position, and whether the read models agree with it. */
export function EventsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const events = useEvents(search);
  const rows = events.data?.pages.flatMap((page) => page.events) ?? [];
  const last = events.data?.pages.at(-1);
  return (
    <div className="page">
      <PageHead title="The log" beside={<Trust />} />
      <Questions
        key={JSON.stringify(search)}
        search={search}
        onAsk={(asked) => navigate({ search: asked, replace: true })}
      />
      {events.error && <ProblemAlert error={events.error} retry={() => events.refetch()} />}
      {events.isPending && <Loading lines={8} />}
      {events.isSuccess && rows.length === 0 && (
        <EmptyState title={last?.more ? "Nothing on this stretch" : "No such event"}>
          {last?.more
            ? "None of the events looked at so far is one of these. Look further on."
            : "Nothing of that kind has happened after this position."}
        </EmptyState>
      )}
      {rows.length > 0 && <EventTable events={rows} />}
      <MoreButton
        more={events.hasNextPage}
        loading={events.isFetchingNextPage}
        onMore={() => events.fetchNextPage()}
      />
    </div>
  );
}

function useEvents(search: EventsSearch) {
  return useInfiniteQuery({
    queryKey: ["events", search],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/v1/events", {
          params: {
            query: {
              min_position: minPosition(),
              after: pageParam,
              limit: PAGE,
              ...(search.category && { category: [search.category as "lead"] }),
              ...(search.cause && { cause: search.cause }),
              ...(search.actor && { actor: [search.actor] }),
            },
          },
        }),
      ),
    initialPageParam: search.after ?? 0,
    getNextPageParam: (page) => (page.more ? page.next : undefined),
  });
}

function Questions(props: { search: EventsSearch; onAsk: (search: EventsSearch) => void }) {
  const [after, setAfter] = useState<number | string>(props.search.after ?? "");
  const [cause, setCause] = useState(props.search.cause ?? "");
  const head = useQuery({
    queryKey: ["stats"],
    queryFn: () => data(api.GET("/v1/stats", {})),
  });
  const asked = (change: EventsSearch): EventsSearch => {
    const { after: _, cause: __, ...kept } = props.search;
    return {
      ...kept,
      ...(typeof after === "number" && after > 0 && { after }),
      ...(cause !== "" && { cause }),
      ...change,
    };
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        props.onAsk(asked({}));
      }}
    >
      <Group mb="md" align="end">
        <Select
          label="About"
          placeholder="Everything"
          clearable
          w={160}
          value={props.search.category ?? null}
          data={CATEGORIES.map((one) => ({ value: one, label: kindLabel(one) }))}
          onChange={(category) => {
            const { category: _, ...rest } = asked({});
            props.onAsk(category ? { ...rest, category } : rest);
          }}
        />
        <TextInput
          label="Cause"
          placeholder="command:…, bulk:…, import:…, call:…"
          w={280}
          value={cause}
          onChange={(event) => setCause(event.currentTarget.value)}
        />
        <NumberInput
          label="After position"
          min={0}
          w={140}
          value={after}
          onChange={setAfter}
          thousandSeparator=","
        />
        <Button type="submit">Show</Button>
        {head.data && (
          <Button
            variant="default"
            onClick={() => props.onAsk(asked({ after: Math.max(0, head.data.position - PAGE) }))}
          >
            The newest
          </Button>
        )}
      </Group>
    </form>
  );
}

function EventTable({ events }: { events: Schemas["HappenedEvent"][] }) {
  const names = useNames();
  return (
    <Table highlightOnHover verticalSpacing={4} stickyHeader aria-label="Events">
      <Table.Thead>
        <Table.Tr>
          <Table.Th ta="right">Position</Table.Th>
          <Table.Th>Recorded</Table.Th>
          <Table.Th>What</Table.Th>
          <Table.Th>Of</Table.Th>
          <Table.Th>Who</Table.Th>
          <Table.Th>Data</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {events.map((event) => (
          <Table.Tr key={event.position}>
            <Table.Td ta="right" className="number">
              {count(event.position)}
            </Table.Td>
            <Table.Td>
              <Moment at={event.recorded_at} />
            </Table.Td>
            <Table.Td>
              {kindLabel(event.kind)}{" "}
              <Text span size="xs" c="dimmed">
                {event.category}
              </Text>
            </Table.Td>
            <Table.Td className="number">
              {event.category === "lead" ? (
                <LeadLink id={event.stream_id} />
              ) : (
                event.stream_id.slice(0, 8)
              )}{" "}
              · {event.version}
            </Table.Td>
            <Table.Td>{names.actor(event.actor)}</Table.Td>
            <Table.Td maw={460}>
              <Code className="one-line" title={JSON.stringify(event.data, null, 2)}>
                {JSON.stringify(event.data)}
              </Code>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
