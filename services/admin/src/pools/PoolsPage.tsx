import { Anchor, Badge, Progress, SegmentedControl, Select, Table } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { api, data, type Schemas } from "../api/client";
import { minPosition } from "../api/lag";
import { useCampaigns, useNames, useOrganisation } from "../api/queries";
import { CommandButton } from "../parts/CommandButton";
import { EmptyState } from "../parts/EmptyState";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { MoreButton } from "../parts/MoreButton";
import { count, share } from "../parts/numbers";
import { PageHead } from "../parts/PageHead";
import { ProblemAlert } from "../parts/ProblemAlert";
import type { PoolsSearch } from "./routes";

const route = getRouteApi("/pools");

function usePools(search: PoolsSearch) {
  return useInfiniteQuery({
    queryKey: ["pools", search],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/v1/pools", {
          params: {
            query: {
              min_position: minPosition(),
              limit: 50,
              ...(search.campaign && { campaign: search.campaign }),
              ...(search.active && { active: search.active }),
              ...(search.kpi && { kpi: [search.kpi] }),
              ...(pageParam && { cursor: pageParam }),
            },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });
}

/** The lead pools, newest first, each with how far its leads are. */
export function PoolsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const ask = (change: PoolsSearch) => navigate({ search: change, replace: true });
  const { data: campaigns } = useCampaigns();
  const { data: organisation } = useOrganisation();
  const pools = usePools(search);
  const rows = pools.data?.pages.flatMap((page) => page.pools) ?? [];
  const { campaign, active, kpi } = search;
  return (
    <div className="page">
      <PageHead
        title="Pools"
        actions={
          <>
            <Select
              aria-label="Campaign"
              placeholder="All campaigns"
              clearable
              w={220}
              value={campaign ?? null}
              data={(campaigns?.campaigns ?? []).map((one) => ({
                value: one.campaign_id,
                label: one.name,
              }))}
              onChange={(value) =>
                ask({ ...pick({ active, kpi }), ...(value && { campaign: value }) })
              }
            />
            <Select
              aria-label="Key figure"
              placeholder="Key figure"
              clearable
              w={170}
              value={kpi ?? null}
              data={(organisation?.statuses ?? []).map((one) => ({
                value: one.code,
                label: one.label,
              }))}
              onChange={(value) =>
                ask({ ...pick({ campaign, active }), ...(value && { kpi: value }) })
              }
            />
            <SegmentedControl
              aria-label="Active or not"
              size="xs"
              value={active ?? "both"}
              data={[
                { value: "both", label: "Both" },
                { value: "true", label: "Active" },
                { value: "false", label: "Inactive" },
              ]}
              onChange={(value) =>
                ask({
                  ...pick({ campaign, kpi }),
                  ...((value === "true" || value === "false") && { active: value }),
                })
              }
            />
            <CommandButton
              command="CreatePool"
              label="New pool"
              target={{ name: "" }}
              button={{ leftSection: <IconPlus size={16} aria-hidden /> }}
              {...(campaign && { initial: { campaign_id: campaign } })}
            />
          </>
        }
      />
      {pools.error && <ProblemAlert error={pools.error} retry={() => pools.refetch()} />}
      {pools.isPending && <Loading lines={8} />}
      {pools.isSuccess && rows.length === 0 && (
        <EmptyState title="No pools here">
          An import makes a pool, and “New pool” does. Or look at all campaigns, and at inactive
          pools too.
        </EmptyState>
      )}
      {rows.length > 0 && <PoolTable pools={rows} kpi={kpi} />}
      <MoreButton
        more={pools.hasNextPage}
        loading={pools.isFetchingNextPage}
        onMore={() => pools.fetchNextPage()}
      />
    </div>
  );
}

/** What is set of a search. */
function pick(search: {
  campaign?: string | undefined;
  active?: "true" | "false" | undefined;
  kpi?: string | undefined;
}): PoolsSearch {
  return {
    ...(search.campaign && { campaign: search.campaign }),
    ...(search.active && { active: search.active }),
    ...(search.kpi && { kpi: search.kpi }),
  };
}

function PoolTable({ pools, kpi }: { pools: Schemas["Pool"][]; kpi: string | undefined }) {
  const { data: campaigns } = useCampaigns();
  const names = useNames();
  const campaignName = new Map(campaigns?.campaigns.map((one) => [one.campaign_id, one.name]));
  return (
    <Table highlightOnHover verticalSpacing={6} stickyHeader>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Pool</Table.Th>
          <Table.Th>Campaign</Table.Th>
          <Table.Th ta="right">Uploaded</Table.Th>
          <Table.Th ta="right">Total</Table.Th>
          <Table.Th ta="right">Ready</Table.Th>
          <Table.Th ta="right">Open</Table.Th>
          <Table.Th w={140}>Closed</Table.Th>
          <Table.Th ta="right">Used</Table.Th>
          {kpi && <Table.Th ta="right">{names.status(kpi)?.label ?? kpi}</Table.Th>}
          <Table.Th>Made</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {pools.map(({ numbers, ...pool }) => (
          <Table.Tr key={pool.pool_id}>
            <Table.Td>
              <Anchor component={Link} to={`/pools/${pool.pool_id}` as string} size="sm">
                {pool.name || "Manual entries"}
              </Anchor>{" "}
              {!pool.active && (
                <Badge size="xs" color="gray" tt="none">
                  inactive
                </Badge>
              )}
            </Table.Td>
            <Table.Td>{campaignName.get(pool.campaign_id ?? "") ?? ""}</Table.Td>
            <Table.Td ta="right" className="number">
              {count(numbers.uploaded)}
            </Table.Td>
            <Table.Td ta="right" className="number">
              {count(numbers.total)}
            </Table.Td>
            <Table.Td ta="right" className="number">
              {count(numbers.ready)}
            </Table.Td>
            <Table.Td ta="right" className="number">
              {count(numbers.open)}
            </Table.Td>
            <Table.Td className="number">
              {share(numbers.closed, numbers.total)}
              <Progress
                value={numbers.percent_closed}
                size={4}
                color="gray"
                aria-label={`Closed in ${pool.name}`}
              />
            </Table.Td>
            <Table.Td ta="right" className="number">
              {share(numbers.used, numbers.total)}
            </Table.Td>
            {kpi && (
              <Table.Td ta="right" className="number">
                {count(pool.kpis.find((one) => one.status === kpi)?.first_time ?? 0)}
              </Table.Td>
            )}
            <Table.Td>
              <Moment at={pool.created_at} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
