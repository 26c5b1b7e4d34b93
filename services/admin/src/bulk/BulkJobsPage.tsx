import { Anchor, Button, Table, Text, Title } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { api, data } from "../api/client";
import { useNames } from "../api/queries";
import { figure } from "../jobs/figures";
import { StateBadge } from "../jobs/StateBadge";
import { EmptyState } from "../parts/EmptyState";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Given } from "./Given";
import { type BulkJob, goesOn } from "./jobs";
import { jobTitle, stateOf } from "./words";

const PAGE = 50;
const EVERY_MS = 3_000;

/** Bulk jobs, the latest first: one's own, or everybody's for who may see them. */
export function BulkJobsPage() {
  const query = useInfiniteQuery({
    queryKey: ["bulk", "list"],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/v1/bulk-jobs", {
          params: { query: { limit: PAGE, ...(pageParam !== "" && { cursor: pageParam }) } },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.jobs.some(goesOn)) ? EVERY_MS : false,
  });
  const jobs = query.data?.pages.flatMap((page) => page.jobs) ?? [];
  return (
    <div className="page">
      <Title order={1} mb="md">
        Bulk changes
      </Title>
      {query.error !== null && <ProblemAlert error={query.error} retry={() => query.refetch()} />}
      {query.data === undefined && query.error === null && <Loading lines={8} />}
      {query.data !== undefined && jobs.length === 0 && (
        <EmptyState title="No bulk change yet">
          Choose leads in the list of leads, then what to do with them. Each change is planned
          first, and can be undone.
        </EmptyState>
      )}
      {jobs.length > 0 && <Jobs jobs={jobs} />}
      {query.hasNextPage && (
        <Button
          variant="default"
          mt="sm"
          loading={query.isFetchingNextPage}
          onClick={() => query.fetchNextPage()}
        >
          Show more
        </Button>
      )}
    </div>
  );
}

function Jobs({ jobs }: { jobs: readonly BulkJob[] }) {
  const names = useNames();
  const navigate = useNavigate();
  return (
    <Table highlightOnHover verticalSpacing={6} stickyHeader>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>What</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th ta="right">Leads</Table.Th>
          <Table.Th ta="right">Changed</Table.Th>
          <Table.Th ta="right">Refused</Table.Th>
          <Table.Th>Who</Table.Th>
          <Table.Th>When</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {jobs.map((job) => {
          const counts = (job.result ?? job.plan ?? {}) as Record<string, number>;
          return (
            <Table.Tr
              key={job.id}
              style={{ cursor: "pointer" }}
              onClick={() => navigate({ to: "/bulk-jobs/$jobId", params: { jobId: job.id } })}
            >
              <Table.Td>
                <Anchor
                  component={Link}
                  to="/bulk-jobs/$jobId"
                  params={{ jobId: job.id } as never}
                  size="sm"
                >
                  {jobTitle(job)}
                </Anchor>
                <Text size="xs" c="dimmed" lineClamp={1}>
                  <Given job={job} />
                </Text>
              </Table.Td>
              <Table.Td>
                <StateBadge state={stateOf(job)} />
                {job.undone_by !== null && (
                  <Text size="xs" c="dimmed">
                    undo asked for
                  </Text>
                )}
              </Table.Td>
              <Table.Td ta="right" className="number">
                {figure(job.selected)}
              </Table.Td>
              <Table.Td ta="right" className="number">
                {job.result === null ? "" : figure(counts.applied ?? counts.reversed ?? 0)}
              </Table.Td>
              <Table.Td ta="right" className="number">
                {counts.refused === undefined ? "" : figure(counts.refused)}
              </Table.Td>
              <Table.Td>{names.actor(job.by)}</Table.Td>
              <Table.Td>
                <Moment at={job.made_at} />
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}
