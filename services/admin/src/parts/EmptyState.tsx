import { Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

/** What is shown where there is nothing: what that means, and what one can do. */
export function EmptyState({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Stack align="center" gap={4} py="xl" px="md">
      <Text fw={600}>{title}</Text>
      {children !== undefined && (
        <Text size="sm" c="dimmed" ta="center" component="div" maw={460}>
          {children}
        </Text>
      )}
    </Stack>
  );
}
