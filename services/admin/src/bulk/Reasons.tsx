import { Alert, Table, Text } from "@mantine/core";
import { figure } from "../jobs/figures";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useReasons } from "./jobs";

/** Why leads are refused, each reason with how many it is of. */
export function Reasons({
  id,
  step,
  refused,
}: {
  id: string;
  step: "plan" | "done";
  refused: number;
}) {
  const query = useReasons(id, step, refused);
  if (refused === 0) return null;
  if (query.error !== null) {
    return <ProblemAlert error={query.error} retry={() => query.refetch()} />;
  }
  return (
    <Alert color="red" variant="outline" title="Why leads are refused">
      <Table fz="sm" verticalSpacing={3}>
        <Table.Tbody>
          {query.data?.reasons.map((reason) => (
            <Table.Tr key={reason.code}>
              <Table.Td>{reason.detail}</Table.Td>
              <Table.Td ta="right" className="number">
                {figure(reason.count)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {query.data !== undefined && query.data.looked < refused && (
        <Text size="xs" c="dimmed">
          Of the first {figure(query.data.looked)} refusals; the file has all.
        </Text>
      )}
    </Alert>
  );
}
