import { MultiSelect, Table } from "@mantine/core";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { api, data } from "../api/client";
import { minPosition } from "../api/lag";
import { useCampaigns, useNames } from "../api/queries";
import { ContractIcon, ICONS } from "../parts/ContractIcon";
import { EmptyState } from "../parts/EmptyState";
import { LeadLink } from "../parts/LeadLink";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { MoreButton } from "../parts/MoreButton";
import { ProblemAlert } from "../parts/ProblemAlert";

/** Contracts with where each stands, those whose leads changed last on top. */
export function ContractList(props: {
  campaign: string | undefined;
  icon: string | undefined;
  onIcon: (icon: string | null) => void;
}) {
  const { campaign } = props;
  const icons = props.icon?.split(",").filter(Boolean) ?? [];
  const names = useNames();
  const { data: campaigns } = useCampaigns();
  const contracts = useInfiniteQuery({
    queryKey: ["contracts", campaign, props.icon],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/v1/contracts", {
          params: {
            query: {
              min_position: minPosition(),
              icon: icons as never,
              ...(campaign && { campaign }),
              ...(pageParam && { cursor: pageParam }),
            },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });
  const rows = contracts.data?.pages.flatMap((page) => page.contracts) ?? [];
  return (
    <>
      <MultiSelect
        aria-label="Where the contract stands"
        placeholder={icons.length === 0 ? "Wherever they stand" : ""}
        clearable
        maw={480}
        mb="sm"
        value={icons}
        data={Object.entries(ICONS).map(([value, icon]) => ({ value, label: icon.text }))}
        onChange={(chosen) => props.onIcon(chosen.length === 0 ? null : chosen.join(","))}
      />
      {contracts.error && (
        <ProblemAlert error={contracts.error} retry={() => contracts.refetch()} />
      )}
      {contracts.isPending && <Loading lines={6} />}
      {contracts.isSuccess && rows.length === 0 && (
        <EmptyState title="No contracts here">
          They come with the steps that the contract service reports.
        </EmptyState>
      )}
      {rows.length > 0 && (
        <Table highlightOnHover verticalSpacing={6} stickyHeader aria-label="Contracts">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Stands</Table.Th>
              <Table.Th>Contract</Table.Th>
              <Table.Th>Lead</Table.Th>
              <Table.Th>Campaign</Table.Th>
              <Table.Th>Owner</Table.Th>
              <Table.Th>Since</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map(({ contract, ...whose }) => (
              <Table.Tr key={`${whose.lead_id} ${contract.id}`}>
                <Table.Td>
                  <ContractIcon icon={contract.icon} />
                </Table.Td>
                <Table.Td>{contract.id}</Table.Td>
                <Table.Td>
                  <LeadLink id={whose.lead_id} name={whose.name} />
                </Table.Td>
                <Table.Td>
                  {campaigns?.campaigns.find((one) => one.campaign_id === whose.campaign_id)?.name}
                </Table.Td>
                <Table.Td>{names.actor(whose.owner)}</Table.Td>
                <Table.Td>
                  <Moment at={contract.at} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      <MoreButton
        more={contracts.hasNextPage}
        loading={contracts.isFetchingNextPage}
        onMore={() => contracts.fetchNextPage()}
      />
    </>
  );
}
