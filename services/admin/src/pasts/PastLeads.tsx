import { Button, Card, Group, MultiSelect, Select, Table, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { api, data } from "../api/client";
import { useColumns, useNames, useOrganisation } from "../api/queries";
import { EmptyState } from "../parts/EmptyState";
import { LeadLink } from "../parts/LeadLink";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { MoreButton } from "../parts/MoreButton";
import { count, counted } from "../parts/numbers";
import { ProblemAlert } from "../parts/ProblemAlert";
import { StatusBadge } from "../parts/StatusBadge";
import { pastFilter } from "./filter";

const route = getRouteApi("/pasts/$pastId");
const SHOWN = ["name", "phone", "status", "owner", "call_attempts", "latest_call_at"];
const TYPING_MS = 300;

/** The leads of a past: found by words and status, counted, broken down. */
export function PastLeads({ pastId }: { pastId: string }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [words, setWords] = useState("");
  const [statuses, setStatuses] = useState<string[]>([]);
  const [settled] = useDebouncedValue(words, TYPING_MS);
  const { data: organisation } = useOrganisation();
  const { data: columns } = useColumns();
  const filter = useMemo(
    () => pastFilter(settled, statuses, search.filter),
    [settled, statuses, search.filter],
  );
  const field = search.field ?? null;
  return (
    <>
      <Group mb="sm" align="end">
        <TextInput
          label="Find"
          placeholder="Name, e-mail, digits of a number"
          w={280}
          value={words}
          onChange={(event) => setWords(event.currentTarget.value)}
        />
        <MultiSelect
          label="Status then"
          placeholder={statuses.length === 0 ? "Any" : ""}
          clearable
          miw={240}
          value={statuses}
          onChange={setStatuses}
          data={(organisation?.statuses ?? []).map((one) => ({
            value: one.code,
            label: one.label,
          }))}
        />
        <Select
          label="Break down by"
          placeholder="A column"
          clearable
          w={220}
          value={field}
          data={(columns?.columns ?? [])
            .filter((column) => column.breakdown)
            .map((column) => ({ value: column.name, label: column.label }))}
          onChange={(value) =>
            navigate({
              search: {
                ...(search.filter && { filter: search.filter }),
                ...(value && { field: value }),
              },
              replace: true,
            })
          }
        />
        {search.filter !== undefined && (
          <Button
            variant="default"
            onClick={() => navigate({ search: field ? { field } : {}, replace: true })}
          >
            Drop the list's filter
          </Button>
        )}
      </Group>
      {field !== null && <Spread pastId={pastId} field={field} filter={filter} />}
      <Rows pastId={pastId} filter={filter} />
    </>
  );
}

function Rows({ pastId, filter }: { pastId: string; filter: unknown }) {
  const names = useNames();
  const leads = useInfiniteQuery({
    queryKey: ["past", pastId, "leads", filter],
    queryFn: ({ pageParam }) =>
      data(
        api.POST("/v1/pasts/{past_id}/search", {
          params: { path: { past_id: pastId } },
          body: {
            columns: SHOWN,
            filter,
            limit: 100,
            ...(pageParam && { cursor: pageParam }),
          } as never,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });
  const found = useQuery({
    queryKey: ["past", pastId, "count", filter],
    queryFn: () =>
      data(
        api.POST("/v1/pasts/{past_id}/count", {
          params: { path: { past_id: pastId } },
          body: { filter } as never,
        }),
      ),
    placeholderData: keepPreviousData,
  });
  if (leads.error) return <ProblemAlert error={leads.error} retry={() => leads.refetch()} />;
  if (leads.data === undefined) return <Loading lines={6} />;
  const rows = leads.data.pages.flatMap((page) => page.leads);
  if (rows.length === 0) {
    return <EmptyState title="No lead was like that then">Ask for less, or for others.</EmptyState>;
  }
  return (
    <>
      <Table highlightOnHover verticalSpacing={6} stickyHeader aria-label="Leads then">
        <Table.Caption>
          {found.data &&
            `${found.data.exact ? "" : "about "}${counted(found.data.count, "lead")} then`}
        </Table.Caption>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Lead</Table.Th>
            <Table.Th>Number</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th>Owner</Table.Th>
            <Table.Th ta="right">Attempts</Table.Th>
            <Table.Th>Latest call</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((lead) => (
            <Table.Tr key={lead.lead_id}>
              <Table.Td>
                <LeadLink id={lead.lead_id ?? ""} name={lead.name} />
              </Table.Td>
              <Table.Td className="number">{lead.phone}</Table.Td>
              <Table.Td>
                <StatusBadge code={lead.status} />
              </Table.Td>
              <Table.Td>{names.actor(lead.owner)}</Table.Td>
              <Table.Td ta="right" className="number">
                {lead.call_attempts}
              </Table.Td>
              <Table.Td>
                <Moment at={lead.latest_call_at} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <MoreButton
        more={leads.hasNextPage}
        loading={leads.isFetchingNextPage}
        onMore={() => leads.fetchNextPage()}
      />
    </>
  );
}

function Spread(props: { pastId: string; field: string; filter: unknown }) {
  const spread = useQuery({
    queryKey: ["past", props.pastId, "breakdown", props.field, props.filter],
    queryFn: () =>
      data(
        api.POST("/v1/pasts/{past_id}/breakdown", {
          params: { path: { past_id: props.pastId } },
          body: { field: props.field, filter: props.filter, top: 10 } as never,
        }),
      ),
    placeholderData: keepPreviousData,
  });
  if (spread.error) return <ProblemAlert error={spread.error} retry={() => spread.refetch()} />;
  if (spread.data === undefined) return <Loading lines={3} />;
  const { parts, other, empty, total } = spread.data;
  const rows = [
    ...parts.map((part) => ({
      label: part.to === undefined ? String(part.value) : `${part.value} – ${part.to}`,
      leads: part.count,
    })),
    ...(other > 0 ? [{ label: "others", leads: other }] : []),
    ...(empty > 0 ? [{ label: "empty", leads: empty }] : []),
  ];
  return (
    <Card withBorder padding="sm" mb="md" maw={560}>
      <Table verticalSpacing={2} aria-label="Breakdown">
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={row.label}>
              <Table.Td w={180}>{row.label}</Table.Td>
              <Table.Td>
                <div
                  className="bar"
                  style={{ width: `${total === 0 ? 0 : (100 * row.leads) / total}%` }}
                />
              </Table.Td>
              <Table.Td w={80} ta="right" className="number">
                {count(row.leads)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}
