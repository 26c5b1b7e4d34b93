import { Group, Table, Text } from "@mantine/core";
import type { Schemas } from "../api/client";
import { worded } from "../jobs/figures";
import { CommandButton } from "../parts/CommandButton";
import { StatusBadge } from "../parts/StatusBadge";

const SMALL = { size: "compact-xs", variant: "subtle" } as const;

/** The statuses that leads can have: built-in ones, and the organisation's own. */
export function Statuses({ statuses }: { statuses: readonly Schemas["StatusEntry"][] }) {
  return (
    <Table verticalSpacing={4} highlightOnHover stickyHeader>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Status</Table.Th>
          <Table.Th>Code</Table.Th>
          <Table.Th>Group</Table.Th>
          <Table.Th>Kind</Table.Th>
          <Table.Th>Dialled</Table.Th>
          <Table.Th>Whose</Table.Th>
          <Table.Th w={240}>
            <span className="unseen">What one can do</span>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {statuses.map((one) => (
          <Table.Tr key={one.code}>
            <Table.Td>
              <StatusBadge code={one.code} />
            </Table.Td>
            <Table.Td className="number">{one.code}</Table.Td>
            <Table.Td>{worded(one.group)}</Table.Td>
            <Table.Td>{worded(one.kind)}</Table.Td>
            <Table.Td>{one.dialable ? "yes" : "no"}</Table.Td>
            <Table.Td>
              {one.built_in ? (
                <Text size="sm" c="dimmed">
                  built in
                </Text>
              ) : (
                `our own${one.active ? "" : ", switched off"}`
              )}
            </Table.Td>
            <Table.Td>
              <Group gap={2} justify="end">
                <CommandButton
                  target={{ name: one.label }}
                  command="ChangeStatusCatalogue"
                  label={one.built_in ? "Label" : "Change"}
                  button={SMALL}
                  initial={{
                    code: one.code,
                    label: one.label,
                    ...(!one.built_in && { dialable: one.dialable }),
                  }}
                  given={one.built_in ? ["code", "dialable"] : ["code"]}
                />
                {!one.built_in && (
                  <CommandButton
                    target={{ name: one.label }}
                    command={one.active ? "DeactivateStatus" : "ActivateStatus"}
                    label={one.active ? "Switch off" : "Switch on"}
                    button={SMALL}
                    initial={{ code: one.code }}
                    given={["code"]}
                  />
                )}
              </Group>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
