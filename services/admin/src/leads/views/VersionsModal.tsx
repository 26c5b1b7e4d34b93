import { Button, Modal, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, data, type Schemas } from "../../api/client";
import { useCommand } from "../../api/commands";
import { minPosition } from "../../api/lag";
import { type Names, useNames } from "../../api/queries";
import { Loading } from "../../parts/Loading";
import { Moment } from "../../parts/Moment";
import { ProblemAlert } from "../../parts/ProblemAlert";
import type { View } from "../useViews";

type Version = Schemas["ViewVersion"];

/** What was done to a view, the newest first, and the way back to what it showed before. */
export function VersionsModal({ view, onClose }: { view: View; onClose: () => void }) {
  const command = useCommand();
  const versions = useQuery({
    queryKey: ["views", view.view, "versions"],
    queryFn: () =>
      data(
        api.GET("/v1/views/{view}/versions", {
          params: { path: { view: view.view }, query: { min_position: minPosition() } },
        }),
      ),
  });
  return (
    <Modal opened onClose={onClose} title={`Versions of “${view.name}”`} size="xl">
      {versions.error !== null && (
        <ProblemAlert error={versions.error} retry={() => versions.refetch()} />
      )}
      {command.error !== null && <ProblemAlert error={command.error} />}
      {versions.data === undefined && versions.error === null && <Loading />}
      {versions.data !== undefined && (
        <VersionTable
          versions={versions.data.versions}
          may={view.may !== "view"}
          pending={command.isPending}
          onBack={(version) =>
            command.mutate({ name: "RevertView", id: view.view, body: { version } })
          }
        />
      )}
      <Text size="xs" c="dimmed" mt="sm">
        Going back is one more version: it brings back name, filter, columns, sort and layout. Whom
        the view is shared with stays as it is.
      </Text>
    </Modal>
  );
}

function VersionTable({
  versions,
  may,
  pending,
  onBack,
}: {
  versions: readonly Version[];
  may: boolean;
  pending: boolean;
  onBack: (version: number) => void;
}) {
  const names = useNames();
  // The newest version that shows something else than the one before: those since show the same.
  const shown = versions.find((one) => one.parts.length > 0 || one.what === "created");
  return (
    <Table fz="sm" aria-label="Versions">
      <Table.Thead>
        <Table.Tr>
          <Table.Th ta="right">Version</Table.Th>
          <Table.Th>What was done</Table.Th>
          <Table.Th>By</Table.Th>
          <Table.Th>When</Table.Th>
          <Table.Th>
            <span className="unseen">The way back</span>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {versions.map((one) => (
          <Table.Tr key={one.version}>
            <Table.Td className="number" ta="right">
              {one.version}
            </Table.Td>
            <Table.Td>{deed(one, names)}</Table.Td>
            <Table.Td>{names.actor(one.by)}</Table.Td>
            <Table.Td>
              <Moment at={one.at} />
            </Table.Td>
            <Table.Td ta="right">
              {may && shown !== undefined && one.version < shown.version && (
                <Button
                  size="compact-xs"
                  variant="light"
                  loading={pending}
                  onClick={() => onBack(one.version)}
                >
                  Go back to {one.version}
                </Button>
              )}
              {one === versions[0] && (
                <Text size="xs" c="dimmed">
                  as it is now
                </Text>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** What was done by one version, in words. */
function deed(one: Version, names: Names): string {
  const parts = one.parts.join(", ");
  switch (one.what) {
    case "renamed":
      return `renamed “${one.name}”`;
    case "changed":
      return one.back_to === null
        ? `${parts || "nothing"} changed`
        : `back to ${one.back_to}${parts === "" ? "" : `: ${parts}`}`;
    case "shared": {
      const may = one.may === "edit" ? "change" : "see";
      return `shared with ${names.actor(one.to)}, who may ${may} it`;
    }
    case "share_ended":
      return `no longer shared with ${names.actor(one.to)}`;
    default:
      return one.what.replaceAll("_", " ");
  }
}
