import { Badge, Button, Group, Progress, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { api, data, type Schemas } from "../api/client";
import { Moment } from "../parts/Moment";
import { count, counted } from "../parts/numbers";
import { PageHead } from "../parts/PageHead";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Whole } from "../parts/Whole";
import { PastLeads } from "./PastLeads";
import { PAST_STATES, unfinished } from "./states";

const route = getRouteApi("/pasts/$pastId");
const LOOK_AGAIN_MS = 2_000;

/** One list as it was: how far it is built, then its leads. */
export function PastPage() {
  const { pastId } = route.useParams();
  const past = useQuery({
    queryKey: ["past", pastId],
    queryFn: () => data(api.GET("/v1/pasts/{past_id}", { params: { path: { past_id: pastId } } })),
    refetchInterval: (query) => {
      const found = query.state.data?.past;
      return found !== undefined && unfinished(found) ? LOOK_AGAIN_MS : false;
    },
  });
  return <Whole read={past}>{(read) => <PastParts it={read.past} />}</Whole>;
}

function PastParts({ it }: { it: Schemas["PastShown"] }) {
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: () =>
      data(api.POST("/v1/pasts/{past_id}/cancel", { params: { path: { past_id: it.id } } })),
    onSuccess: (ended) => {
      // Its leads are gone: they are not asked for once more.
      queries.setQueryData(["past", it.id], ended);
      queries.invalidateQueries({ queryKey: ["pasts"] });
    },
  });
  const living = unfinished(it) || it.state === "ready";
  return (
    <>
      <PageHead
        title={
          <>
            Leads as they were on <Moment at={it.moment} />
          </>
        }
        beside={
          <Badge color={PAST_STATES[it.state].colour} variant="light" tt="none">
            {PAST_STATES[it.state].text}
          </Badge>
        }
        actions={
          living && (
            <Button variant="default" loading={cancel.isPending} onClick={() => cancel.mutate()}>
              {it.state === "ready" ? "Give it up" : "Cancel"}
            </Button>
          )
        }
      />
      {cancel.error && <ProblemAlert error={cancel.error} />}
      {it.state === "failed" && <Text c="red">{it.fault || "It could not be built."}</Text>}
      {unfinished(it) && (
        <Stack gap={4} maw={480}>
          <Progress
            animated
            value={it.progress.of === 0 ? 0 : (100 * it.progress.events) / it.progress.of}
            aria-label="Events folded"
          />
          <Text size="sm" c="dimmed" className="number">
            {count(it.progress.events)} of {counted(it.progress.of, "event")}
          </Text>
        </Stack>
      )}
      {it.state === "ready" && (
        <>
          <Group gap="xs" mb="sm">
            <Text size="sm" c="dimmed" component="div">
              {counted(it.leads, "lead")} up to position {count(it.as_of)}. There until{" "}
              <Moment at={it.ends_at} />. You see then whom you see now.
            </Text>
          </Group>
          <PastLeads pastId={it.id} />
        </>
      )}
    </>
  );
}
