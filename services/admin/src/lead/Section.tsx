import { Group, Paper, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** A part of the page with its name and what one can do there. */
export function Section(props: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <Paper component="section" withBorder p="sm" mb="sm" aria-label={props.title}>
      <Group justify="space-between" mb={6} wrap="nowrap">
        <Title order={2} size="h3">
          {props.title}
        </Title>
        <Group gap={4} wrap="nowrap">
          {props.actions}
        </Group>
      </Group>
      {props.children}
    </Paper>
  );
}
