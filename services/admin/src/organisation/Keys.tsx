import { Group, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, data, type Schemas } from "../api/client";
import { useCommand } from "../api/commands";
import { minPosition } from "../api/lag";
import { useMe, useNames } from "../api/queries";
import { ConfirmButton } from "../jobs/Confirm";
import { EmptyState } from "../parts/EmptyState";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import { currentKey } from "../session/key";
import { IssueKey } from "./IssueKey";

const PAGE = 1_000;
/** A page goes no further through the log than the service says; so many are asked for at most. */
const PAGES_MAX = 100;

interface Key {
  id: string;
  user: string;
  label: string;
  at: string;
  by: string;
  expires: string | null;
}

function readPage(after: number) {
  return data(
    api.GET("/v1/events", {
      params: {
        query: {
          kind: ["organisation.api_key_issued", "organisation.api_key_revoked"],
          after,
          limit: PAGE,
          min_position: minPosition(),
        },
      },
    }),
  );
}

function take(event: Schemas["HappenedEvent"], found: Map<string, Key>): void {
  const told = event.data as Record<string, string | null>;
  const id = told.key_id ?? "";
  if (event.kind === "organisation.api_key_revoked") {
    found.delete(id);
    return;
  }
  found.set(id, {
    id,
    user: told.user ?? "",
    label: told.label ?? "",
    at: event.happened_at,
    by: event.actor,
    expires: told.expires_at ?? null,
  });
}

/** The keys that were issued and not revoked, as the log tells them, the latest first. */
function useKeys() {
  return useQuery({
    queryKey: ["api keys"],
    queryFn: async (): Promise<{ keys: Key[]; more: boolean }> => {
      const found = new Map<string, Key>();
      let after = 0;
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const answer = await readPage(after);
        for (const event of answer.events) take(event, found);
        if (!answer.more) return { keys: [...found.values()].reverse(), more: false };
        after = answer.next;
      }
      return { keys: [...found.values()].reverse(), more: true };
    },
  });
}

/** Whether the text of a key is of this one. */
function isOf(text: string, key: Key): boolean {
  return text.startsWith(`lk_${key.id}_`);
}

/** Keys that programs and people act by: whose, until when, a way to issue and revoke them. */
export function Keys() {
  const keys = useKeys();
  const { data: me } = useMe();
  const admin = me?.role === "admin";
  return (
    <>
      {admin && (
        <Group mb="md">
          <IssueKey />
        </Group>
      )}
      {keys.error !== null && <ProblemAlert error={keys.error} retry={() => keys.refetch()} />}
      {keys.isPending && <Loading lines={6} />}
      {keys.data?.keys.length === 0 && <EmptyState title="No key is in use" />}
      {keys.data?.more && (
        <Text size="sm" c="dimmed" mb="sm">
          The log is longer than was looked through; later keys are not shown.
        </Text>
      )}
      {keys.data !== undefined && keys.data.keys.length > 0 && (
        <KeyTable keys={keys.data.keys} admin={admin} />
      )}
    </>
  );
}

function KeyTable({ keys, admin }: { keys: readonly Key[]; admin: boolean }) {
  const names = useNames();
  const command = useCommand();
  const own = currentKey() ?? "";
  return (
    <Table verticalSpacing={4} highlightOnHover stickyHeader aria-label="API keys">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Key</Table.Th>
          <Table.Th>Label</Table.Th>
          <Table.Th>Acts as</Table.Th>
          <Table.Th>Issued</Table.Th>
          <Table.Th>By</Table.Th>
          <Table.Th>Until</Table.Th>
          <Table.Th w={110}>
            <span className="unseen">What one can do</span>
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {keys.map((one) => (
          <Table.Tr key={one.id}>
            <Table.Td>
              <Text span size="sm" ff="monospace">
                lk_{one.id}_…
              </Text>
              {isOf(own, one) && (
                <Text size="xs" c="dimmed">
                  you are signed in with it
                </Text>
              )}
            </Table.Td>
            <Table.Td>{one.label}</Table.Td>
            <Table.Td>{names.user(one.user)}</Table.Td>
            <Table.Td>
              <Moment at={one.at} />
            </Table.Td>
            <Table.Td>{names.actor(one.by)}</Table.Td>
            <Table.Td>{one.expires === null ? "no end" : <Moment at={one.expires} />}</Table.Td>
            <Table.Td ta="right">
              {admin && (
                <ConfirmButton
                  label="Revoke"
                  button={{ size: "compact-sm" }}
                  title={`Revoke the key lk_${one.id}_…?`}
                  deed="Revoke it"
                  danger
                  run={() =>
                    command.mutateAsync({ name: "RevokeApiKey", body: { key_id: one.id } })
                  }
                >
                  <Text size="sm">
                    Whoever holds it can no longer act as {names.user(one.user)}. It cannot be given
                    back; another one can be issued.
                  </Text>
                  {isOf(own, one) && (
                    <Text size="sm" fw={600}>
                      You are signed in with this key: you will be signed out.
                    </Text>
                  )}
                </ConfirmButton>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
