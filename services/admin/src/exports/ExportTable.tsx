import { ActionIcon, Progress, Table, Text, Tooltip } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { download } from "../api/client";
import { useCommand } from "../api/commands";
import { useMe, useNames } from "../api/queries";
import { ConfirmButton } from "../jobs/Confirm";
import { figure, fileSize, many, worded } from "../jobs/figures";
import { StateBadge } from "../jobs/StateBadge";
import { useViews } from "../leads/useViews";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import type { Export } from "./queries";

/** Exports in a table: what of, how far, until when the file is there, who was mailed. */
export function ExportTable(props: { exports: readonly Export[]; showsWho: boolean }) {
  const names = useNames();
  const [error, setError] = useState<Error | null>(null);
  return (
    <>
      {error !== null && <ProblemAlert error={error} />}
      <Table verticalSpacing={6} highlightOnHover stickyHeader>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Export</Table.Th>
            <Table.Th w={210}>State</Table.Th>
            <Table.Th ta="right">Leads</Table.Th>
            <Table.Th ta="right">Size</Table.Th>
            <Table.Th>Asked for</Table.Th>
            {props.showsWho && <Table.Th>By</Table.Th>}
            <Table.Th>File until</Table.Th>
            <Table.Th>Mailed to</Table.Th>
            <Table.Th w={170}>
              <span className="unseen">What one can do</span>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {props.exports.map((one) => (
            <Table.Tr key={one.id}>
              <Table.Td maw={300}>
                <Text size="sm" fw={500} style={{ overflowWrap: "anywhere" }}>
                  {one.name}
                </Text>
                <Text size="xs" c="dimmed">
                  <Of one={one} />
                </Text>
              </Table.Td>
              <Table.Td>
                <State one={one} />
              </Table.Td>
              <Table.Td ta="right" className="number">
                {one.leads === null ? "" : figure(one.leads)}
              </Table.Td>
              <Table.Td ta="right" className="number">
                {one.size === null ? "" : fileSize(one.size)}
              </Table.Td>
              <Table.Td>
                <Moment at={one.requested_at} />
              </Table.Td>
              {props.showsWho && <Table.Td>{names.user(one.by)}</Table.Td>}
              <Table.Td>{one.state === "finished" && <Moment at={one.expires_at} />}</Table.Td>
              <Table.Td>
                {one.recipients.map((each) => (
                  <Text key={each.address} size="xs" style={{ overflowWrap: "anywhere" }}>
                    {each.address} · {each.mail}
                  </Text>
                ))}
              </Table.Td>
              <Table.Td ta="right">
                <Deeds one={one} onError={setError} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}

function Of({ one }: { one: Export }) {
  const views = useViews();
  const view = views.data?.views.find((each) => each.view === one.view);
  const what = one.view !== null ? (view?.name ?? "a view") : "leads by a filter";
  const columns = one.columns.length === 0 ? "" : `, ${many(one.columns.length, "column")}`;
  return `${what}, ${one.format}${columns}${one.contacts ? ", with contacts" : ""}`;
}

function State({ one }: { one: Export }) {
  if (one.state === "requested") {
    const { progress } = one;
    const part = progress === null || progress.of === 0 ? 0 : (100 * progress.leads) / progress.of;
    return (
      <>
        <StateBadge state="running" label={progress === null ? "Waits" : "Being written"} />
        <Progress value={part} animated size="xs" mt={4} aria-label={`Progress of ${one.name}`} />
        {progress !== null && (
          <Text size="xs" c="dimmed" className="number">
            {figure(progress.leads)} of {figure(progress.of)}
          </Text>
        )}
      </>
    );
  }
  return (
    <>
      <StateBadge
        state={one.state}
        label={one.state === "removed" ? "File gone" : worded(one.state)}
      />
      {one.downloads > 0 && (
        <Text size="xs" c="dimmed">
          taken {one.downloads === 1 ? "once" : `${figure(one.downloads)} times`}
        </Text>
      )}
      {one.detail !== null && (
        <Text size="xs" c="dimmed">
          {one.detail}
        </Text>
      )}
    </>
  );
}

function Deeds({ one, onError }: { one: Export; onError: (error: Error | null) => void }) {
  const { data: me } = useMe();
  const command = useCommand();
  const queries = useQueryClient();
  const mine = me?.user_id === one.by;
  const take = () => {
    onError(null);
    download(`/v1/exports/${one.id}/file`, `${one.name}.zip`)
      .then(() => queries.invalidateQueries({ queryKey: ["exports"] }))
      .catch(onError);
  };
  if (!["requested", "finished"].includes(one.state)) return null;
  const stops = one.state === "requested";
  return (
    <>
      {one.state === "finished" && mine && (
        <Tooltip label="Download">
          <ActionIcon
            variant="light"
            mr={6}
            aria-label={`Download ${one.name}`}
            onClick={take}
            style={{ verticalAlign: "middle" }}
          >
            <IconDownload size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
      )}
      {(mine || me?.role === "admin") && (
        <ConfirmButton
          label={stops ? "Cancel" : "Take away"}
          button={{ size: "compact-sm" }}
          title={stops ? `Cancel the export ${one.name}?` : `Take the file of ${one.name} away?`}
          deed={stops ? "Cancel the export" : "Take it away"}
          danger
          run={() => command.mutateAsync({ name: "CancelExport", id: one.id })}
        >
          <Text size="sm">
            {stops
              ? "Nothing more is written, and no file will be there."
              : "The file and all links to it are gone at once. What was downloaded before is not."}
          </Text>
        </ConfirmButton>
      )}
    </>
  );
}
