import { Alert, Loader, Table, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef } from "react";
import { api, data } from "../../api/client";
import { Problem } from "../../api/problem";
import { useNames } from "../../api/queries";
import { Value } from "../../lead/Value";
import { changedField } from "../../lead/words";
import { kindLabel } from "../kinds";
import { Moment } from "../Moment";

/** What changes with everything that happens to a lead, and says nothing more. */
const WITH_ALL = new Set(["last_modified_by", "last_modified_at", "last_activity_at"]);

/** Whether a command was not taken because somebody else was faster. */
export function isMoved(error: Error | null): boolean {
  return error instanceof Problem && error.status === 412;
}

/** Tells that something moved while its form was open, and where one can go on. */
function Told({ children }: { children: ReactNode }) {
  const alert = useRef<HTMLDivElement>(null);
  useEffect(() => alert.current?.focus(), []);
  return (
    <Alert
      ref={alert}
      tabIndex={-1}
      color="yellow"
      title="It was changed since you opened this. Nothing was done yet."
      role="alert"
    >
      {children}
      <Text size="sm" mt="xs">
        Look at it; then go on with what you filled in, change it, or leave it.
      </Text>
    </Alert>
  );
}

/**
 * What was changed in a lead since the version one has seen. `onSeen` hears the version that is
 * shown by then: a command that is sent with it was decided on what one sees here.
 */
export function MovedLead({
  leadId,
  since,
  onSeen,
}: {
  leadId: string;
  since: number;
  onSeen: (version: number) => void;
}) {
  const names = useNames();
  const diff = useQuery({
    queryKey: ["moved", leadId, since],
    queryFn: () =>
      data(
        api.GET("/v1/leads/{lead_id}/diff", {
          params: { path: { lead_id: leadId }, query: { from: `version:${since}`, to: "now" } },
        }),
      ),
    // What one reads here must not move on under one's hand; what does is a conflict again.
    staleTime: "static",
    gcTime: 0,
  });
  const version = diff.data?.after.version;
  useEffect(() => {
    if (version !== undefined) onSeen(version);
  }, [version, onSeen]);
  const changes = diff.data?.changes.filter((one) => !WITH_ALL.has(one.field)) ?? [];
  return (
    <Told>
      {diff.isPending && <Loader size="xs" />}
      {diff.data?.events.map((one) => (
        <Text key={one.version} size="sm">
          {kindLabel(one.kind)} by {names.actor(one.actor)}, <Moment at={one.recorded_at} />
        </Text>
      ))}
      {changes.length > 0 && (
        <Table fz="sm" verticalSpacing={2} mt="xs" aria-label="What moved">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>What</Table.Th>
              <Table.Th>As you saw it</Table.Th>
              <Table.Th>As it is now</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {changes.map((one) => (
              <Table.Tr key={one.field}>
                <Table.Td>{changedField(one.field)}</Table.Td>
                <Table.Td>
                  <Value field={one.field} value={one.before} />
                </Table.Td>
                <Table.Td>
                  <Value field={one.field} value={one.after} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {diff.error !== null && <Text size="sm">{diff.error.message}</Text>}
    </Told>
  );
}

const AGAIN_MS = 500;

/**
 * That something else than a lead moved. The page behind the form is read anew until it shows that;
 * `now` is the version it shows.
 */
export function MovedElse({
  now,
  since,
  onSeen,
}: {
  now: number | undefined;
  since: number;
  onSeen: (version: number) => void;
}) {
  const queries = useQueryClient();
  const shown = now !== undefined && now > since;
  useEffect(() => {
    if (shown) {
      onSeen(now);
      return;
    }
    const again = setInterval(() => queries.invalidateQueries(), AGAIN_MS);
    return () => clearInterval(again);
  }, [shown, now, onSeen, queries]);
  return (
    <Told>
      {shown ? (
        <Text size="sm">
          The page behind this form shows it as it is now. What stands here is put in the place of
          what is there.
        </Text>
      ) : (
        <Loader size="xs" />
      )}
    </Told>
  );
}
