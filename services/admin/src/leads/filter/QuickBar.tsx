import { Checkbox, Divider, Select, Text } from "@mantine/core";
import { useState } from "react";
import { useOrganisation } from "../../api/queries";
import { ZONE } from "../../parts/Moment";
import { PickList, QuickButton } from "./PickList";
import { QuickDates } from "./QuickDates";
import {
  DATES,
  dateOf,
  RELATIONS,
  spanOf,
  teamsOf,
  valuesOf,
  withTeams,
  withValue,
  withValues,
} from "./quick";
import type { Tree } from "./tree";
import type { Labels } from "./useLabels";

const ACTIVITY = [
  { value: "any", label: "Active and inactive" },
  { value: "true", label: "Active only" },
  { value: "false", label: "Inactive only" },
];

interface QuickProps {
  tree: Tree | null;
  labels: Labels;
  onChange: (tree: Tree | null) => void;
}

/** The conditions people need all day, each a press away. They are part of the one filter. */
export function QuickBar({ tree, labels, onChange }: QuickProps) {
  const props = { tree, labels, onChange };
  const date = dateOf(tree);
  const dateLabel = date && (spanOf(date, ZONE)?.label ?? "1");
  return (
    <>
      <QuickButton
        label="Campaigns"
        chosen={count(tree, ["project", "campaign_id", "campaign_active"])}
      >
        <Activity {...props} field="campaign_active" what="campaigns" />
        {labels.options("project").length > 0 && (
          <>
            <Picks {...props} field="project" title="Projects" />
            <Divider my={6} />
          </>
        )}
        <Picks {...props} field="campaign_id" title="Campaigns" />
      </QuickButton>
      <QuickButton label="Segments" chosen={count(tree, ["segment_id", "segment_active"])}>
        <Activity {...props} field="segment_active" what="segments" />
        <Picks {...props} field="segment_id" title="Segments" />
      </QuickButton>
      <QuickButton label="Status" chosen={count(tree, ["status", "result"])} width={300}>
        <StatusPicks {...props} />
      </QuickButton>
      <QuickButton label="People" chosen={peopleCount(tree)} width={320}>
        <People {...props} />
      </QuickButton>
      <QuickButton label="Dates" chosen={dateLabel ?? ""} width={320}>
        <QuickDates {...props} dates={DATES} />
      </QuickButton>
      <Select
        size="xs"
        w={150}
        aria-label="Active or inactive leads"
        data={ACTIVITY}
        searchable={false}
        allowDeselect={false}
        value={activityOf(tree, "active")}
        onChange={(value) => onChange(withValue(tree, "active", activity(value)))}
      />
    </>
  );
}

function count(tree: Tree | null, fields: readonly string[]): number {
  return fields.reduce((sum, field) => sum + valuesOf(tree, field).length, 0);
}

function peopleCount(tree: Tree | null): number {
  return (
    count(tree, RELATIONS) +
    RELATIONS.reduce((sum, field) => sum + (teamsOf(tree, field)?.teams.length ?? 0), 0)
  );
}

function activityOf(tree: Tree | null, field: string): string {
  const [value] = valuesOf(tree, field);
  return value === undefined ? "any" : String(value);
}

function activity(value: string | null): boolean | undefined {
  return value === null || value === "any" ? undefined : value === "true";
}

function Activity({ tree, onChange, field, what }: QuickProps & { field: string; what: string }) {
  return (
    <Select
      size="xs"
      mb={6}
      aria-label={`Active or inactive ${what}`}
      data={ACTIVITY}
      searchable={false}
      allowDeselect={false}
      value={activityOf(tree, field)}
      onChange={(value) => onChange(withValue(tree, field, activity(value)))}
      comboboxProps={{ withinPortal: false }}
    />
  );
}

function Picks({
  tree,
  labels,
  onChange,
  field,
  title,
}: QuickProps & { field: string; title: string }) {
  return (
    <PickList
      title={title}
      options={labels.options(field)}
      chosen={valuesOf(tree, field).map(String)}
      onChange={(values) => onChange(withValues(tree, field, values))}
    />
  );
}

function StatusPicks(props: QuickProps) {
  const [field, setField] = useState(
    valuesOf(props.tree, "result").length > 0 ? "result" : "status",
  );
  return (
    <>
      <Select
        size="xs"
        mb={6}
        aria-label="Status or result"
        searchable={false}
        allowDeselect={false}
        data={[
          { value: "status", label: "Status now" },
          { value: "result", label: "Result" },
        ]}
        value={field}
        onChange={(value) => setField(value ?? "status")}
        comboboxProps={{ withinPortal: false }}
      />
      <Picks
        key={field}
        {...props}
        field={field}
        title={field === "status" ? "Statuses" : "Results"}
      />
    </>
  );
}

function People({ tree, labels, onChange }: QuickProps) {
  const used = RELATIONS.find(
    (one) => valuesOf(tree, one).length > 0 || teamsOf(tree, one) !== undefined,
  );
  const [field, setField] = useState<string>(used ?? "owner");
  const organisation = useOrganisation();
  const teams = (organisation.data?.teams ?? []).map((one) => ({
    value: one.team_id,
    label: one.name,
  }));
  const given = teamsOf(tree, field);
  const below = given?.below !== false;
  const people = labels.options(field).filter((option) => !option.value.startsWith("team:"));
  return (
    <>
      <Select
        size="xs"
        mb={6}
        aria-label="In which way the lead is theirs"
        searchable={false}
        allowDeselect={false}
        data={RELATIONS.map((one) => ({ value: one, label: labels.column(one).label }))}
        value={field}
        onChange={(value) => setField(value ?? "owner")}
        comboboxProps={{ withinPortal: false }}
      />
      <PickList
        key={`teams ${field}`}
        title="Teams"
        options={teams}
        chosen={given?.teams ?? []}
        onChange={(values) => onChange(withTeams(tree, field, values, below))}
      />
      <Checkbox
        size="xs"
        my={6}
        label="With the teams below"
        checked={below}
        disabled={given === undefined}
        onChange={(event) =>
          onChange(withTeams(tree, field, given?.teams ?? [], event.currentTarget.checked))
        }
      />
      <Divider my={6} />
      <PickList
        key={`users ${field}`}
        title="Users"
        options={people}
        chosen={valuesOf(tree, field).map(String)}
        onChange={(values) => onChange(withValues(tree, field, values))}
      />
      {given !== undefined && valuesOf(tree, field).length > 0 && (
        <Text size="xs" c="dimmed" mt={6}>
          Both must hold: one of the teams, and one of the users.
        </Text>
      )}
    </>
  );
}
