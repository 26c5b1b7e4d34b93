import { Skeleton, Stack } from "@mantine/core";

const LINES = ["a", "b", "c", "d", "e", "f", "g", "h"];

/** Lines that stand where content will be. */
export function Loading({ lines = 4 }: { lines?: number }) {
  return (
    <Stack gap="sm" py="sm" role="status" aria-label="Loading">
      {LINES.slice(0, lines).map((line) => (
        <Skeleton key={line} height={18} radius="sm" />
      ))}
    </Stack>
  );
}
