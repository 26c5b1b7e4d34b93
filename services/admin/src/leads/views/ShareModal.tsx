import {
  Button,
  CloseButton,
  Group,
  Modal,
  MultiSelect,
  SegmentedControl,
  Stack,
  Table,
  Text,
} from "@mantine/core";
import { useState } from "react";
import { useCommand } from "../../api/commands";
import { useNames, useOrganisation } from "../../api/queries";
import { ProblemAlert } from "../../parts/ProblemAlert";
import type { View } from "../useViews";

/** With whom a view is shared, to look at it or to change it. Its owner adds and takes back. */
export function ShareModal({ view, onClose }: { view: View; onClose: () => void }) {
  const organisation = useOrganisation();
  const names = useNames();
  const command = useCommand();
  const [to, setTo] = useState<string[]>([]);
  const [may, setMay] = useState("view");
  const teams = (organisation.data?.teams ?? []).map((one) => ({
    value: `team:${one.team_id}`,
    label: one.name,
  }));
  const users = (organisation.data?.users ?? [])
    .filter((one) => one.active && one.user_id !== view.owner)
    .map((one) => ({ value: `user:${one.user_id}`, label: one.name }));
  return (
    <Modal opened onClose={onClose} title={`Share “${view.name}”`} size="md">
      <Stack>
        <Text size="sm" c="dimmed">
          Who has it sees in it the leads they see anyway. A team means all in it and below it.
        </Text>
        {view.shares.length > 0 && (
          <Table fz="sm" aria-label="Shared with">
            <Table.Tbody>
              {view.shares.map((share) => (
                <Table.Tr key={share.to}>
                  <Table.Td>
                    {names.actor(share.to)}
                    {share.to.startsWith("team:") && (
                      <Text span size="sm" c="dimmed">
                        {" "}
                        (team)
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td>{share.may === "edit" ? "may change it" : "may look at it"}</Table.Td>
                  <Table.Td w={30}>
                    <CloseButton
                      size="sm"
                      aria-label={`Take it back from ${names.actor(share.to)}`}
                      onClick={() =>
                        command.mutate({
                          name: "UnshareView",
                          id: view.view,
                          body: { to: [share.to] },
                        })
                      }
                    />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
        <MultiSelect
          label="Teams and users"
          data={[
            { group: "Teams", items: teams },
            { group: "Users", items: users },
          ]}
          value={to}
          onChange={setTo}
          data-autofocus
          openOnFocus={false}
        />
        <SegmentedControl
          aria-label="What they may do"
          value={may}
          onChange={setMay}
          data={[
            { value: "view", label: "May look at it" },
            { value: "edit", label: "May change it" },
          ]}
        />
        {command.error !== null && <ProblemAlert error={command.error} />}
        <Group justify="end">
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
          <Button
            disabled={to.length === 0}
            loading={command.isPending}
            onClick={() =>
              command.mutate(
                { name: "ShareView", id: view.view, body: { to, may } },
                { onSuccess: () => setTo([]) },
              )
            }
          >
            Share
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
