import { Badge, Button, Group, Pill, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { api, data } from "../api/client";
import { minPosition } from "../api/lag";
import { useNames } from "../api/queries";
import { CommandButton, CommandMenu } from "../parts/CommandButton";
import { Loading } from "../parts/Loading";
import { PageHead } from "../parts/PageHead";
import { ProblemAlert } from "../parts/ProblemAlert";
import { SummaryPanel } from "../summary/SummaryPanel";
import { useSummary } from "../summary/useSummary";

const route = getRouteApi("/segments/$segmentId");

/** One segment: its agents, its filter, how far its leads are. */
export function SegmentPage() {
  const { segmentId } = route.useParams();
  const segment = useQuery({
    queryKey: ["segment", segmentId],
    queryFn: () =>
      data(
        api.GET("/v1/segments/{segment_id}", {
          params: { path: { segment_id: segmentId }, query: { min_position: minPosition() } },
        }),
      ),
  });
  const summary = useSummary("segments", segmentId);
  const names = useNames();
  if (segment.error) {
    return (
      <div className="page">
        <ProblemAlert error={segment.error} retry={() => segment.refetch()} />
      </div>
    );
  }
  if (segment.data === undefined) {
    return (
      <div className="page">
        <Loading lines={8} />
      </div>
    );
  }
  const it = segment.data.segment;
  const target = { id: segmentId, version: it.version, name: it.name };
  return (
    <div className="page">
      <PageHead
        title={it.name}
        beside={
          <Badge color={it.active ? "teal" : "gray"} variant="light" tt="none">
            {it.active ? "active" : "inactive"}
          </Badge>
        }
        actions={
          <>
            <Button
              variant="default"
              component={Link}
              to={`/leads?filter=${encodeURIComponent(`segment_id = "${segmentId}"`)}`}
            >
              Show its leads
            </Button>
            <CommandButton
              command="CopySegment"
              label="Copy"
              target={{ name: it.name }}
              given={["segment_id"]}
              initial={{ segment_id: segmentId, name: `${it.name} (copy)` }}
            />
            <CommandMenu
              label="Change"
              commands={[
                {
                  target,
                  command: "ChangeSegment",
                  label: "Name, filter, agents",
                  initial: { name: it.name, filter: it.filter, agents: it.agents },
                },
                it.active
                  ? { target, command: "DeactivateSegment", label: "Deactivate" }
                  : { target, command: "ActivateSegment", label: "Activate" },
              ]}
            />
          </>
        }
      />
      <Group gap="xs" mb="md">
        <Text size="sm" c="dimmed">
          May pick it:
        </Text>
        {it.agents.length === 0 && <Text size="sm">nobody yet</Text>}
        {it.agents.map((agent) => (
          <Pill key={agent}>{names.user(agent)}</Pill>
        ))}
      </Group>
      {summary.error && <ProblemAlert error={summary.error} retry={() => summary.refetch()} />}
      {summary.isPending && <Loading lines={8} />}
      {summary.data && <SummaryPanel summary={summary.data.summary} />}
    </div>
  );
}
