import { Button, Modal, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, data } from "../../api/client";
import { useCommand } from "../../api/commands";
import { minPosition } from "../../api/lag";
import { useNames } from "../../api/queries";
import { Loading } from "../../parts/Loading";
import { Moment } from "../../parts/Moment";
import { ProblemAlert } from "../../parts/ProblemAlert";
import type { View } from "../useViews";

/** What was done to a view, the newest first, and the way back to each version. */
export function VersionsModal({ view, onClose }: { view: View; onClose: () => void }) {
  const names = useNames();
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
  const may = view.may !== "view";
  return (
    <Modal opened onClose={onClose} title={`Versions of “${view.name}”`} size="lg">
      {versions.error !== null && (
        <ProblemAlert error={versions.error} retry={() => versions.refetch()} />
      )}
      {command.error !== null && <ProblemAlert error={command.error} />}
      {versions.data === undefined && versions.error === null && <Loading />}
      <Table fz="sm">
        <Table.Tbody>
          {versions.data?.versions.map((one, index) => (
            <Table.Tr key={one.version}>
              <Table.Td className="number">{one.version}</Table.Td>
              <Table.Td>
                {one.what.replaceAll("_", " ")}
                {one.back_to === null ? "" : ` (back to ${one.back_to})`}
                <Text size="xs" c="dimmed">
                  {one.name}
                </Text>
              </Table.Td>
              <Table.Td>{names.actor(one.by)}</Table.Td>
              <Table.Td>
                <Moment at={one.at} />
              </Table.Td>
              <Table.Td ta="right">
                {may && index > 0 && (
                  <Button
                    size="compact-xs"
                    variant="light"
                    aria-label={`Go back to version ${one.version}`}
                    loading={command.isPending}
                    onClick={() =>
                      command.mutate({
                        name: "RevertView",
                        id: view.view,
                        body: { version: one.version },
                      })
                    }
                  >
                    Go back to this
                  </Button>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}
