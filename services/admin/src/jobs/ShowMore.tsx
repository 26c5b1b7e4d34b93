import { Button, Group } from "@mantine/core";

/** Below a list: brings its next page, where there is one. */
export function ShowMore(props: {
  of: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
}) {
  if (!props.of.hasNextPage) return null;
  return (
    <Group justify="center" py="md">
      <Button
        variant="default"
        loading={props.of.isFetchingNextPage}
        onClick={() => props.of.fetchNextPage()}
      >
        Show more
      </Button>
    </Group>
  );
}
