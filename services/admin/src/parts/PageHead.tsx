import { Group, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** The line on top of a page: what it is, what stands beside that, what one can do. */
export function PageHead(props: { title: ReactNode; beside?: ReactNode; actions?: ReactNode }) {
  return (
    <Group mb="md" gap="sm" align="center" wrap="nowrap">
      <Title order={1} lineClamp={1}>
        {props.title}
      </Title>
      {props.beside}
      <Group ml="auto" gap="xs" wrap="nowrap">
        {props.actions}
      </Group>
    </Group>
  );
}
