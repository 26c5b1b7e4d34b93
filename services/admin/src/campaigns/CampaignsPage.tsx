import { Anchor, Badge, Table, TextInput } from "@mantine/core";
import { IconPlus, IconSearch } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useCampaigns } from "../api/queries";
import { CommandButton } from "../parts/CommandButton";
import { EmptyState } from "../parts/EmptyState";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { PageHead } from "../parts/PageHead";
import { ProblemAlert } from "../parts/ProblemAlert";

/** The campaigns by name: project, when they run, what is unusual about them. */
export function CampaignsPage() {
  const campaigns = useCampaigns();
  const [wanted, setWanted] = useState("");
  const words = wanted.trim().toLowerCase();
  const rows = (campaigns.data?.campaigns ?? []).filter((one) =>
    `${one.name} ${one.code} ${one.project}`.toLowerCase().includes(words),
  );
  return (
    <div className="page">
      <PageHead
        title="Campaigns"
        actions={
          <>
            <TextInput
              aria-label="Find a campaign"
              placeholder="Name, code, project"
              leftSection={<IconSearch size={14} aria-hidden />}
              value={wanted}
              onChange={(event) => setWanted(event.currentTarget.value)}
            />
            <CommandButton command="CopyCampaign" label="Copy one" target={{ name: "" }} />
            <CommandButton
              command="CreateCampaign"
              label="New campaign"
              target={{ name: "" }}
              button={{ leftSection: <IconPlus size={16} aria-hidden /> }}
            />
          </>
        }
      />
      {campaigns.error && (
        <ProblemAlert error={campaigns.error} retry={() => campaigns.refetch()} />
      )}
      {campaigns.isPending && <Loading lines={6} />}
      {campaigns.isSuccess && rows.length === 0 && (
        <EmptyState title={words === "" ? "No campaigns yet" : "No campaign is called so"}>
          A campaign holds leads, the fields they have and the rules they are dialled by.
        </EmptyState>
      )}
      {rows.length > 0 && (
        <Table highlightOnHover verticalSpacing={6} stickyHeader>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Campaign</Table.Th>
              <Table.Th>Code</Table.Th>
              <Table.Th>Project</Table.Th>
              <Table.Th>Fields</Table.Th>
              <Table.Th>Duplicate key</Table.Th>
              <Table.Th>Runs</Table.Th>
              <Table.Th>Changed</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((one) => (
              <Table.Tr key={one.campaign_id}>
                <Table.Td>
                  <Anchor component={Link} to={`/campaigns/${one.campaign_id}` as string} size="sm">
                    {one.name}
                  </Anchor>{" "}
                  {!one.active && (
                    <Badge size="xs" color="gray" tt="none">
                      inactive
                    </Badge>
                  )}
                </Table.Td>
                <Table.Td>{one.code}</Table.Td>
                <Table.Td>{one.project}</Table.Td>
                <Table.Td className="number">{one.fields.length}</Table.Td>
                <Table.Td>{one.duplicate_key}</Table.Td>
                <Table.Td>
                  {one.active_from === null && one.active_until === null ? (
                    "always"
                  ) : (
                    <>
                      <Moment at={one.active_from} /> – <Moment at={one.active_until} />
                    </>
                  )}
                </Table.Td>
                <Table.Td>
                  <Moment at={one.changed_at} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </div>
  );
}
