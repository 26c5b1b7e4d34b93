import { Button, Group } from "@mantine/core";

/** Below a list: brings the next page, if there is one. */
export function MoreButton(props: { more: boolean; loading: boolean; onMore: () => void }) {
  if (!props.more) return null;
  return (
    <Group justify="center" py="md">
      <Button variant="default" loading={props.loading} onClick={props.onMore}>
        Show more
      </Button>
    </Group>
  );
}
