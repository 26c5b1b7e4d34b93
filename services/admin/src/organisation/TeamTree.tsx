import { Badge, Group, Table, Text } from "@mantine/core";
import { IconUsersGroup } from "@tabler/icons-react";
import type { Schemas } from "../api/client";
import { many, worded } from "../jobs/figures";
import { CommandButton } from "../parts/CommandButton";
import { linesOf } from "./tree";

const STEP = 22;
const SMALL = { size: "compact-xs", variant: "subtle" } as const;

/** Teams with their users and the teams below, and what one can do with each. */
export function TeamTree(props: { organisation: Schemas["Organisation"]; inactive: boolean }) {
  const { teams, users } = props.organisation;
  return (
    <Table verticalSpacing={4} highlightOnHover stickyHeader>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Name</Table.Th>
          <Table.Th>Role</Table.Th>
          <Table.Th>Rights</Table.Th>
          <Table.Th>Ownership code</Table.Th>
          <Table.Th w={400}>
            <span className="unseen">What one can do</span>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {linesOf(teams, users, props.inactive).map((line) =>
          line.kind === "team" ? (
            <TeamLine key={line.team.team_id} {...line} />
          ) : (
            <UserLine key={line.user.user_id} {...line} />
          ),
        )}
      </Table.Tbody>
    </Table>
  );
}

function Off() {
  return (
    <Badge color="gray" variant="dot" size="xs" tt="none">
      switched off
    </Badge>
  );
}

function TeamLine(props: { team: Schemas["Team"]; depth: number; users: number }) {
  const { team } = props;
  const id = team.team_id;
  return (
    <Table.Tr>
      <Table.Td>
        <Group gap={6} wrap="nowrap" pl={props.depth * STEP}>
          <IconUsersGroup size={16} stroke={1.6} aria-hidden />
          <Text size="sm" fw={600}>
            {team.name}
          </Text>
          <Text size="xs" c="dimmed">
            {many(props.users, "user")}
          </Text>
          {!team.active && <Off />}
        </Group>
      </Table.Td>
      <Table.Td />
      <Table.Td />
      <Table.Td className="number">{team.ownership_code}</Table.Td>
      <Table.Td>
        <Group gap={2} justify="end">
          <CommandButton
            target={{ name: team.name }}
            command="AddUser"
            label="Add a user"
            button={SMALL}
            initial={{ team: id }}
          />
          <CommandButton
            target={{ name: team.name }}
            command="RenameTeam"
            label="Rename"
            button={SMALL}
            initial={{ team: id, name: team.name }}
            given={["team"]}
          />
          <CodeButton owner={`team:${id}`} code={team.ownership_code} />
          {team.parent_id !== null && (
            <>
              <CommandButton
                target={{ name: team.name }}
                command="MoveTeam"
                label="Move"
                button={SMALL}
                initial={{ team: id, parent: team.parent_id }}
                given={["team"]}
              />
              <CommandButton
                target={{ name: team.name }}
                command={team.active ? "DeactivateTeam" : "ActivateTeam"}
                label={team.active ? "Switch off" : "Switch on"}
                button={SMALL}
                initial={{ team: id }}
                given={["team"]}
              />
            </>
          )}
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

function UserLine({ user, depth }: { user: Schemas["User"]; depth: number }) {
  const id = user.user_id;
  return (
    <Table.Tr>
      <Table.Td>
        <Group gap={6} wrap="nowrap" pl={depth * STEP}>
          <Text size="sm">{user.name}</Text>
          <Text size="xs" c="dimmed">
            {user.email}
          </Text>
          {!user.active && <Off />}
        </Group>
      </Table.Td>
      <Table.Td>{worded(user.role)}</Table.Td>
      <Table.Td>{user.rights.map(worded).join(", ")}</Table.Td>
      <Table.Td className="number">{user.ownership_code}</Table.Td>
      <Table.Td>
        <Group gap={2} justify="end">
          <CommandButton
            target={{ name: user.name }}
            command="ChangeUser"
            label="Change"
            button={SMALL}
            initial={{
              user: id,
              name: user.name,
              email: user.email,
              role: user.role,
              rights: user.rights,
            }}
            given={["user"]}
          />
          <CodeButton owner={`user:${id}`} code={user.ownership_code} />
          <CommandButton
            target={{ name: user.name }}
            command="MoveUser"
            label="Move"
            button={SMALL}
            initial={{ user: id, team: user.team_id }}
            given={["user"]}
          />
          <CommandButton
            target={{ name: user.name }}
            command={user.active ? "DeactivateUser" : "ActivateUser"}
            label={user.active ? "Switch off" : "Switch on"}
            button={SMALL}
            initial={{ user: id }}
            given={["user"]}
          />
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

function CodeButton({ owner, code }: { owner: string; code: string | null }) {
  return (
    <CommandButton
      target={{ name: "" }}
      command="SetOwnershipCode"
      label="Code"
      button={SMALL}
      initial={{ owner, ownership_code: code }}
      given={["owner"]}
    />
  );
}
