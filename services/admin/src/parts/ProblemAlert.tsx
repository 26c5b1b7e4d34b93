import { Alert, Button, List, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Problem } from "../api/problem";

/** An error with every reason it gives, and a way to try again where one is given. */
export function ProblemAlert({ error, retry }: { error: Error; retry?: () => void }) {
  const problem = error instanceof Problem ? error : null;
  const reasons = problem?.reasons ?? [];
  return (
    <Alert
      color="red"
      icon={<IconAlertTriangle aria-hidden />}
      title={problem?.title || "Something went wrong"}
      role="alert"
    >
      <Text size="sm">{problem?.detail ?? error.message}</Text>
      {reasons.length > 0 && (
        <List size="sm" mt="xs">
          {reasons.map((reason) => (
            <List.Item key={`${reason.code} ${reason.pointer} ${reason.detail}`}>
              {reason.detail}
            </List.Item>
          ))}
        </List>
      )}
      {problem !== null && problem.traceId !== "" && problem.status >= 500 && (
        <Text size="xs" c="dimmed" mt="xs">
          Trace {problem.traceId}
        </Text>
      )}
      {retry !== undefined && (
        <Button size="compact-sm" variant="light" color="red" mt="sm" onClick={retry}>
          Try again
        </Button>
      )}
    </Alert>
  );
}
