import { Alert, Button, Code, Text } from "@mantine/core";
import { Problem } from "../api/problem";
import { ProblemAlert } from "../parts/ProblemAlert";
import type { FilterSyntax } from "./filter/text";

/** Why there are no rows: the text of the filter cannot be read, or the service says no. */
export function Troubles({
  error,
  syntax,
  text,
  retry,
  onDiscard,
}: {
  error: Error | null;
  syntax: FilterSyntax | null;
  text: string;
  retry: () => void;
  onDiscard: () => void;
}) {
  if (syntax !== null) {
    return (
      <Alert color="red" m="sm" role="alert" title="The filter cannot be read">
        <Code block>{text}</Code>
        <Text size="sm" my={6}>
          {syntax.message}
        </Text>
        <Button size="compact-sm" variant="light" color="red" onClick={onDiscard}>
          Leave this filter
        </Button>
      </Alert>
    );
  }
  if (error === null) return null;
  // A refusal stays one; only what may go well later is tried again.
  const again = !(error instanceof Problem) || error.retryable;
  return (
    <div style={{ padding: 12 }}>
      {again ? <ProblemAlert error={error} retry={retry} /> : <ProblemAlert error={error} />}
    </div>
  );
}
