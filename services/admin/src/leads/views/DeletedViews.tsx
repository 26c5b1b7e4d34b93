import { Button, Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, data } from "../../api/client";
import { useCommand } from "../../api/commands";
import { minPosition } from "../../api/lag";
import { Loading } from "../../parts/Loading";
import { ProblemAlert } from "../../parts/ProblemAlert";

/** One's own views that were deleted; each can come back as it was. */
export function DeletedViews() {
  const command = useCommand();
  const views = useQuery({
    queryKey: ["views", "deleted"],
    queryFn: () =>
      data(
        api.GET("/v1/views", {
          params: { query: { deleted: "true", min_position: minPosition() } },
        }),
      ),
  });
  if (views.error !== null) {
    return <ProblemAlert error={views.error} retry={() => views.refetch()} />;
  }
  if (views.data === undefined) return <Loading lines={2} />;
  if (views.data.views.length === 0) {
    return (
      <Text size="xs" c="dimmed" px={6}>
        None of yours is deleted.
      </Text>
    );
  }
  return (
    <>
      {views.data.views.map((view) => (
        <Group key={view.view} justify="space-between" wrap="nowrap" px={6} py={2} gap={4}>
          <Text size="sm" c="dimmed" truncate>
            {view.name}
          </Text>
          <Button
            size="compact-xs"
            variant="light"
            aria-label={`Restore ${view.name}`}
            onClick={() => command.mutate({ name: "RestoreView", id: view.view })}
          >
            Restore
          </Button>
        </Group>
      ))}
    </>
  );
}
