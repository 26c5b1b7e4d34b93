import { Anchor, Button, Group, Table, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { useCampaigns, useMe, useNames } from "../api/queries";
import { figure, fileSize } from "../jobs/figures";
import { StateBadge } from "../jobs/StateBadge";
import { EmptyState } from "../parts/EmptyState";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import { NewFile } from "./NewFile";
import { type DncFile, useFiles } from "./queries";

/** Files of numbers: what was planned of each, and what is done. */
export function Files() {
  const files = useFiles(true);
  const { data: me } = useMe();
  const [open, { open: show, close }] = useDisclosure(false);
  const may = me !== undefined && ["admin", "team_leader"].includes(me.role);
  return (
    <>
      {may && (
        <Group mb="md">
          <Button onClick={show}>Upload a file of numbers</Button>
        </Group>
      )}
      {open && <NewFile onClose={close} />}
      {files.error !== null && <ProblemAlert error={files.error} retry={() => files.refetch()} />}
      {files.isPending && <Loading lines={6} />}
      {files.data?.files.length === 0 && (
        <EmptyState title="No file was uploaded yet">
          A file is looked at first: you see how many numbers are new, there already or no numbers,
          and then say whether they are added.
        </EmptyState>
      )}
      {files.data !== undefined && files.data.files.length > 0 && (
        <FileTable files={files.data.files} />
      )}
    </>
  );
}

/** What a file does, in words: "add, in all campaigns". */
export function useFileWords(): (file: DncFile) => string {
  const campaigns = useCampaigns();
  return ({ settings }) => {
    const campaign = campaigns.data?.campaigns.find(
      (one) => one.campaign_id === settings.campaign_id,
    );
    const where = settings.scope === "global" ? "all campaigns" : (campaign?.name ?? "a campaign");
    return `${settings.action === "lift" ? "Lift" : "Add"} in ${where}`;
  };
}

function FileTable({ files }: { files: readonly DncFile[] }) {
  const names = useNames();
  const words = useFileWords();
  return (
    <Table verticalSpacing={6} highlightOnHover>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>File</Table.Th>
          <Table.Th>Reason</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th ta="right">Planned</Table.Th>
          <Table.Th ta="right">Done</Table.Th>
          <Table.Th ta="right">Refused</Table.Th>
          <Table.Th>By</Table.Th>
          <Table.Th>Uploaded</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {files.map((one) => (
          <Table.Tr key={one.id}>
            <Table.Td>
              <Anchor
                component={Link}
                to="/do-not-call/files/$fileId"
                params={{ fileId: one.id } as never}
                size="sm"
              >
                {words(one)}
              </Anchor>
              <Text size="xs" c="dimmed">
                {fileSize(one.bytes)}
              </Text>
            </Table.Td>
            <Table.Td maw={260} style={{ overflowWrap: "anywhere" }}>
              {String(one.settings.reason ?? "")}
            </Table.Td>
            <Table.Td>
              <StateBadge state={one.state} />
            </Table.Td>
            <Table.Td ta="right" className="number">
              {one.plan === null ? "" : figure(one.plan.accepted ?? 0)}
            </Table.Td>
            <Table.Td ta="right" className="number">
              {figure(one.done.accepted ?? 0)}
            </Table.Td>
            <Table.Td ta="right" className="number">
              {figure(one.plan?.refused ?? 0)}
            </Table.Td>
            <Table.Td>{names.user(one.by)}</Table.Td>
            <Table.Td>
              <Moment at={one.made_at} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
