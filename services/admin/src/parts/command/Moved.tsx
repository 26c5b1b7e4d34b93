import { Alert, Button, Group, List, Loader, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, data } from "../../api/client";
import { useNames } from "../../api/queries";
import { kindLabel } from "../kinds";
import { Moment } from "../Moment";

/** What was changed in a lead since the version one has seen, and a way to try on what is there. */
export function Moved({
  leadId,
  seen,
  retry,
  pending,
}: {
  leadId: string;
  seen: number;
  retry: (version: number) => void;
  pending: boolean;
}) {
  const names = useNames();
  const diff = useQuery({
    queryKey: ["lead", leadId, "diff", seen, "moved"],
    queryFn: () =>
      data(
        api.GET("/v1/leads/{lead_id}/diff", {
          params: { path: { lead_id: leadId }, query: { from: `version:${seen}`, to: "now" } },
        }),
      ),
    staleTime: 0,
  });
  const now = diff.data?.after.version;
  return (
    <Alert color="yellow" title="It was changed since you opened this" role="alert">
      {diff.isPending && <Loader size="xs" />}
      {diff.data !== undefined && (
        <List size="sm">
          {diff.data.events.map((one) => (
            <List.Item key={one.version}>
              {kindLabel(one.kind)} by {names.actor(one.actor)}, <Moment at={one.recorded_at} />
            </List.Item>
          ))}
        </List>
      )}
      {diff.error !== null && <Text size="sm">{diff.error.message}</Text>}
      <Group mt="sm" gap="sm">
        <Button
          size="compact-sm"
          variant="light"
          color="yellow"
          loading={pending}
          disabled={now === undefined}
          onClick={() => now !== undefined && retry(now)}
        >
          Do it all the same
        </Button>
      </Group>
    </Alert>
  );
}
