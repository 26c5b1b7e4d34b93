import { Button, Group, Pill, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { api, data, type Schemas } from "../api/client";
import { minPosition } from "../api/lag";
import { useNames } from "../api/queries";
import { ActiveBadge } from "../parts/ActiveBadge";
import { CommandButton, CommandMenu } from "../parts/CommandButton";
import { PageHead } from "../parts/PageHead";
import { Whole } from "../parts/Whole";
import { Summarised } from "../summary/Summarised";

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
  return <Whole read={segment}>{(read) => <SegmentParts it={read.segment} />}</Whole>;
}

function SegmentParts({ it }: { it: Schemas["Segment"] }) {
  const names = useNames();
  const target = { id: it.segment_id, version: it.version, name: it.name };
  return (
    <>
      <PageHead
        title={it.name}
        beside={<ActiveBadge active={it.active} />}
        actions={
          <>
            <Button
              variant="default"
              component={Link}
              to={`/leads?filter=${encodeURIComponent(`segment_id = "${it.segment_id}"`)}`}
            >
              Show its leads
            </Button>
            <CommandButton
              command="CopySegment"
              label="Copy"
              target={{ name: it.name }}
              given={["segment_id"]}
              initial={{ segment_id: it.segment_id, name: `${it.name} (copy)` }}
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
      <Summarised of="segments" id={it.segment_id} />
    </>
  );
}
