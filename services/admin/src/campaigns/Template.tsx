import { Badge, Table, Text } from "@mantine/core";
import { EmptyState } from "../parts/EmptyState";
import type { TemplateField } from "./shapes";

/** The fields that leads of a campaign have. */
export function Template(props: { fields: readonly TemplateField[]; duplicateKey: string }) {
  if (props.fields.length === 0) {
    return (
      <EmptyState title="No fields yet">
        Leads of this campaign have a name, numbers and an e-mail address only. Add fields with
        “Change”, “Fields”.
      </EmptyState>
    );
  }
  return (
    <Table verticalSpacing={4} aria-label="Fields">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Label</Table.Th>
          <Table.Th>Import name</Table.Th>
          <Table.Th>Type</Table.Th>
          <Table.Th>Values</Table.Th>
          <Table.Th>Default</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {props.fields.map((field) => (
          <Table.Tr key={field.import_name}>
            <Table.Td>
              {field.label} {field.required && <Mark text="required" />}
              {field.personal && <Mark text="personal" />}
              {field.import_name === props.duplicateKey && <Mark text="duplicate key" />}
            </Table.Td>
            <Table.Td>
              <code>{field.import_name}</code>
            </Table.Td>
            <Table.Td>{field.type}</Table.Td>
            <Table.Td maw={360}>
              <Text size="xs" lineClamp={2}>
                {field.values.join(", ")}
              </Text>
            </Table.Td>
            <Table.Td>{field.default === null ? "" : String(field.default)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Mark({ text }: { text: string }) {
  return (
    <Badge size="xs" variant="light" tt="none" mr={4}>
      {text}
    </Badge>
  );
}
