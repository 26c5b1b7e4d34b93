import { Anchor, Button, Group, Progress, Table, Title } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useCampaigns, useNames } from "../api/queries";
import { figure } from "../jobs/figures";
import { StateBadge } from "../jobs/StateBadge";
import { EmptyState } from "../parts/EmptyState";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import { type Import, useImports, useMayImport } from "./queries";
import { partDone, stateOf } from "./states";

const FIRST_IMPORT =
  "Import a CSV file or a workbook. You see what would become of each row before anything happens.";
const WHO_IMPORTS =
  "Administrators, team leaders, and who has the right to leads or pools may import files.";

/** The latest imports: which file, for which campaign, how far, with which counts. */
export function ImportsPage() {
  const imports = useImports();
  const may = useMayImport();
  return (
    <div className="page">
      <Group mb="md">
        <Title order={1}>Imports</Title>
        {may && (
          <Button
            ml="auto"
            component={Link}
            to="/imports/new"
            leftSection={<IconPlus size={16} aria-hidden />}
          >
            Import a file
          </Button>
        )}
      </Group>
      {imports.error !== null && (
        <ProblemAlert error={imports.error} retry={() => imports.refetch()} />
      )}
      {imports.isPending && <Loading lines={8} />}
      {imports.data?.imports.length === 0 && (
        <EmptyState title="No file was imported yet">{may ? FIRST_IMPORT : WHO_IMPORTS}</EmptyState>
      )}
      {imports.data !== undefined && imports.data.imports.length > 0 && (
        <ImportTable imports={imports.data.imports} />
      )}
    </div>
  );
}

function ImportTable({ imports }: { imports: readonly Import[] }) {
  const names = useNames();
  const campaigns = useCampaigns();
  const campaignName = (id: string) =>
    campaigns.data?.campaigns.find((one) => one.campaign_id === id)?.name ?? id.slice(0, 8);
  return (
    <Table highlightOnHover verticalSpacing={6} stickyHeader>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>File</Table.Th>
          <Table.Th>Campaign</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th ta="right">Created</Table.Th>
          <Table.Th ta="right">Updated</Table.Th>
          <Table.Th ta="right">Refused</Table.Th>
          <Table.Th>By</Table.Th>
          <Table.Th>Uploaded</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {imports.map((one) => (
          <Table.Tr key={one.id}>
            <Table.Td maw={320}>
              <Anchor
                component={Link}
                to="/imports/$importId"
                params={{ importId: one.id } as never}
                size="sm"
                style={{ overflowWrap: "anywhere" }}
              >
                {one.file_name || "a file without a name"}
              </Anchor>
            </Table.Td>
            <Table.Td>{campaignName(one.campaign_id)}</Table.Td>
            <Table.Td w={190}>
              <StateBadge {...stateOf(one)} />
              <ImportProgress one={one} />
            </Table.Td>
            {["created", "updated", "refused"].map((outcome) => (
              <Table.Td key={outcome} ta="right" className="number">
                {countOf(one, outcome)}
              </Table.Td>
            ))}
            <Table.Td>{names.actor(one.by)}</Table.Td>
            <Table.Td>
              <Moment at={one.made_at} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function countOf(one: Import, outcome: string): string {
  const rows = one.result ?? one.progress?.rows;
  return rows === undefined ? "" : figure(rows[outcome] ?? 0);
}

/** How far a run is, as a bar; nothing while nothing runs. */
export function ImportProgress({ one }: { one: Import }) {
  const part = partDone(one);
  if (part === null) return null;
  return (
    <Progress
      value={part === "unknown" ? 100 : part}
      animated
      size="xs"
      mt={4}
      aria-label={`Progress of ${one.file_name}`}
    />
  );
}
