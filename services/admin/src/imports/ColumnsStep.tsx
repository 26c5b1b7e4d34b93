import { Alert, Button, Checkbox, Group, Select, Switch, Table, Text } from "@mantine/core";
import { useState } from "react";
import { many } from "../jobs/figures";
import { Loading } from "../parts/Loading";
import { ProblemAlert } from "../parts/ProblemAlert";
import { doubledFields, type Fields, proposedFields, savedFields, settingsWith } from "./mapping";
import {
  type Import,
  type Proposal,
  type Reading,
  type Settings,
  useImportStep,
  useProposal,
} from "./queries";
import { Warnings } from "./Warnings";

const ENCODINGS = [
  "utf-8",
  "utf-16",
  "windows-1252",
  "iso-8859-15",
  "windows-1250",
  "iso-8859-2",
  "windows-1251",
  "windows-1253",
  "windows-1254",
] as const;
const DELIMITERS = [
  { value: ",", label: "Comma ," },
  { value: ";", label: "Semicolon ;" },
  { value: "\t", label: "Tab" },
  { value: "|", label: "Bar |" },
];

/** What each column becomes: proposed from the headers, with what stands in it. */
export function ColumnsStep({ one, onDone }: { one: Import; onDone: () => void }) {
  const saved = one.settings as Settings | null;
  const [reading, setReading] = useState<Reading>(
    saved === null
      ? {}
      : { encoding: saved.encoding, delimiter: saved.delimiter, header: saved.header },
  );
  const [readAnew, setReadAnew] = useState(false);
  const proposal = useProposal(one.id, one.kind === "csv" ? reading : pick(reading));
  const step = useImportStep(one.id);
  const [chosen, setChosen] = useState<Fields | null>(null);
  const [agreed, setAgreed] = useState(false);
  if (proposal.error !== null) {
    return <ProblemAlert error={proposal.error} retry={() => proposal.refetch()} />;
  }
  if (proposal.data === undefined) return <Loading lines={6} />;
  const found = proposal.data;
  const fields =
    chosen ?? (saved !== null && !readAnew ? savedFields(saved) : proposedFields(found));
  const ignored = found.columns.filter((column) => fields[column.column] === undefined);
  const doubled = doubledFields(fields);
  const read = (change: Reading) => {
    setReading({ ...reading, ...change });
    setReadAnew(true);
    setChosen(null);
    setAgreed(false);
  };
  const save = () =>
    step.mutate(settingsWith(fields, found, saved, one.file_name), { onSuccess: onDone });
  return (
    <>
      <ReadAs found={found} kind={one.kind} read={read} />
      <Warnings warnings={found.warnings} />
      <ColumnTable
        found={found}
        fields={fields}
        onChange={(next) => {
          setChosen(next);
          setAgreed(false);
        }}
      />
      {doubled.length > 0 && (
        <Text c="red" size="sm" mt="sm" role="alert">
          Several columns are for {doubled.map((one) => found.fields[one] ?? one).join(", ")}. Only
          the name may be put together of several.
        </Text>
      )}
      {ignored.length > 0 && (
        <Alert color="yellow" mt="md" title={`${many(ignored.length, "column")} will be ignored`}>
          <Text size="sm" mb="xs">
            {ignored.map((column) => column.header || `column ${column.column}`).join(", ")}
          </Text>
          <Checkbox
            label={
              ignored.length === 1
                ? "Ignore it: what stands in it is not imported"
                : "Ignore them: what stands in them is not imported"
            }
            checked={agreed}
            onChange={(event) => setAgreed(event.currentTarget.checked)}
          />
        </Alert>
      )}
      {step.error !== null && <ProblemAlert error={step.error} />}
      <Group justify="end" mt="md">
        <Button
          onClick={save}
          loading={step.isPending}
          disabled={
            doubled.length > 0 ||
            Object.keys(fields).length === 0 ||
            (ignored.length > 0 && !agreed)
          }
        >
          Go on to settings
        </Button>
      </Group>
    </>
  );
}

function pick(reading: Reading): Reading {
  return reading.header === undefined ? {} : { header: reading.header };
}

function ReadAs(props: { found: Proposal; kind: string; read: (change: Reading) => void }) {
  const { found, read } = props;
  return (
    <Group mb="md" align="end" gap="md">
      {props.kind === "csv" && (
        <>
          <Select
            label="Read as"
            w={160}
            allowDeselect={false}
            value={found.encoding}
            data={[...ENCODINGS]}
            onChange={(encoding) =>
              encoding !== null && read({ encoding: encoding as Settings["encoding"] })
            }
          />
          <Select
            label="Between cells"
            w={160}
            allowDeselect={false}
            value={found.delimiter}
            data={
              DELIMITERS.some((one) => one.value === found.delimiter)
                ? DELIMITERS
                : [...DELIMITERS, { value: found.delimiter, label: found.delimiter }]
            }
            onChange={(delimiter) => delimiter !== null && read({ delimiter })}
          />
        </>
      )}
      <Switch
        mb={8}
        label="The first row names the columns"
        checked={found.header}
        onChange={(event) => read({ header: event.currentTarget.checked })}
      />
    </Group>
  );
}

function ColumnTable(props: {
  found: Proposal;
  fields: Fields;
  onChange: (fields: Fields) => void;
}) {
  const { found, fields } = props;
  const choices = Object.entries(found.fields).map(([value, label]) => ({ value, label }));
  const set = (column: number, field: string | null) => {
    const rest = Object.entries(fields).filter(([place]) => Number(place) !== column);
    props.onChange(
      Object.fromEntries(field === null ? rest : [...rest, [String(column), field]]) as Fields,
    );
  };
  return (
    <Table verticalSpacing={4}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th w={40}>#</Table.Th>
          <Table.Th>Column</Table.Th>
          <Table.Th>What stands in it</Table.Th>
          <Table.Th w={280}>Becomes</Table.Th>
          <Table.Th w={150}>Because</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {found.columns.map((column) => {
          const field = fields[column.column] ?? null;
          return (
            <Table.Tr key={column.column}>
              <Table.Td className="number">{column.column}</Table.Td>
              <Table.Td maw={220} style={{ overflowWrap: "anywhere" }}>
                {column.header || <Text c="dimmed">no name</Text>}
              </Table.Td>
              <Table.Td maw={360}>
                <Text size="sm" c="dimmed" lineClamp={1}>
                  {column.samples.length > 0 ? column.samples.join(" · ") : "nothing so far"}
                </Text>
              </Table.Td>
              <Table.Td>
                <Select
                  aria-label={`Column ${column.column} ${column.header} becomes`}
                  placeholder="Ignored"
                  clearable
                  size="xs"
                  value={field}
                  data={choices}
                  onChange={(next) => set(column.column, next)}
                />
              </Table.Td>
              <Table.Td>
                <Text size="xs" c="dimmed">
                  {field === null ? "" : field === column.field ? column.because : "you say so"}
                </Text>
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}
