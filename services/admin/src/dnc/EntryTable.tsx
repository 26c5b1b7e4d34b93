import { Table, Text } from "@mantine/core";
import { useCampaigns, useNames } from "../api/queries";
import { CommandButton } from "../parts/CommandButton";
import { Moment } from "../parts/Moment";
import type { Entry } from "./queries";

/** Do-not-call entries: where they count, why, how long, who said so. */
export function EntryTable({ entries }: { entries: readonly Entry[] }) {
  const names = useNames();
  const campaigns = useCampaigns();
  return (
    <Table verticalSpacing={6} highlightOnHover stickyHeader>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Number</Table.Th>
          <Table.Th>Not called in</Table.Th>
          <Table.Th>Reason</Table.Th>
          <Table.Th>Until</Table.Th>
          <Table.Th>Added</Table.Th>
          <Table.Th>By</Table.Th>
          <Table.Th w={110}>
            <span className="unseen">What one can do</span>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {entries.map((one) => (
          <Table.Tr key={`${one.dnc_id} ${one.scope} ${one.campaign_id} ${one.added_at}`}>
            <Table.Td className="number">
              {one.number ?? (
                <Text size="sm" c="dimmed">
                  erased, still not called
                </Text>
              )}
            </Table.Td>
            <Table.Td>
              {one.campaign_id === null
                ? "all campaigns"
                : (campaigns.data?.campaigns.find((each) => each.campaign_id === one.campaign_id)
                    ?.name ?? one.campaign_id)}
            </Table.Td>
            <Table.Td maw={320} style={{ overflowWrap: "anywhere" }}>
              {one.reason}
            </Table.Td>
            <Table.Td>
              {one.expires_at === null ? "no end" : <Moment at={one.expires_at} />}
            </Table.Td>
            <Table.Td>
              <Moment at={one.added_at} />
            </Table.Td>
            <Table.Td>{names.actor(one.added_by)}</Table.Td>
            <Table.Td ta="right">
              {one.removed_at !== null ? (
                <Text size="xs" c="dimmed">
                  lifted <Moment at={one.removed_at} /> by {names.actor(one.removed_by)}
                </Text>
              ) : (
                one.number?.startsWith("+") && (
                  <CommandButton
                    target={{ name: one.number }}
                    command="RemoveFromDoNotCall"
                    label="Lift"
                    button={{ size: "compact-sm" }}
                    initial={{
                      number: one.number,
                      scope: one.scope,
                      campaign_id: one.campaign_id,
                    }}
                    given={["number", "scope", "campaign_id"]}
                  />
                )
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
