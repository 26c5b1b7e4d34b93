import { Badge, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, data } from "../api/client";
import { count, counted } from "../parts/numbers";

const LOOK_AGAIN_MS = 10_000;

/** Whether every row that people see equals what the log says, as looked at all the time. */
export function Trust() {
  const stats = useQuery({
    queryKey: ["stats"],
    queryFn: () => data(api.GET("/v1/stats", {})),
    refetchInterval: LOOK_AGAIN_MS,
  });
  const watched = stats.data?.watched;
  if (watched === undefined) return null;
  const wrong = watched.differing > 0;
  return (
    <Tooltip
      multiline
      maw={340}
      label={
        wrong
          ? `The first: ${watched.first ?? "not shown to you"}. ` +
            "What to do stands in the runbook “read model differs”."
          : "Every row is compared with the log all the time. Rounds so far: " +
            `${count(watched.rounds)}, the last over ${counted(watched.round_streams, "stream")}.`
      }
    >
      <Badge color={wrong ? "red" : "teal"} variant="light" tt="none" role="status">
        {wrong ? `${count(watched.differing)} rows differ from the log` : "equals the log"}
      </Badge>
    </Tooltip>
  );
}
