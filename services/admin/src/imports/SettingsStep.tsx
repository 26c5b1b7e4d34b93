import { Button, Group, NumberInput, Radio, Select, Stack, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { useOrganisation } from "../api/queries";
import { ProblemAlert } from "../parts/ProblemAlert";
import { type Import, type Settings, useImportStep, usePools } from "./queries";
import { regions } from "./regions";

const NEW_POOL = "new";
const DUPLICATES: readonly [Settings["duplicates"], string, string][] = [
  ["skip", "Leave that lead as it is", "The row is skipped, and the report names the lead."],
  ["update", "Update that lead", "By the cells that are filled; empty cells change nothing."],
  ["replace", "Replace its fields", "By all mapped cells; where a cell is empty, so is the field."],
];

/** How the rows become leads: pool, region of numbers, owner, status, what doubles do. */
export function SettingsStep({ one, onDone }: { one: Import; onDone: () => void }) {
  const [settings, setSettings] = useState(one.settings as Settings);
  const pools = usePools(one.campaign_id);
  const countries = useMemo(regions, []);
  const step = useImportStep(one.id);
  const change = (part: Partial<Settings>) => setSettings({ ...settings, ...part });
  const go = async () => {
    await step.mutateAsync(settings);
    await step.mutateAsync("preview");
    onDone();
  };
  return (
    <Stack maw={640} gap="md">
      <Select
        label="Pool"
        description="The leads of a file are in a pool, to be seen and worked on together."
        allowDeselect={false}
        value={settings.pool_id ?? NEW_POOL}
        data={[
          { value: NEW_POOL, label: "A new pool" },
          ...(pools.data?.pools ?? []).map((pool) => ({ value: pool.pool_id, label: pool.name })),
        ]}
        onChange={(value) => change({ pool_id: value === NEW_POOL ? null : value })}
      />
      {settings.pool_id === null && (
        <TextInput
          label="Name of the new pool"
          placeholder={one.file_name}
          maxLength={200}
          value={settings.pool_name ?? ""}
          onChange={(event) => change({ pool_name: event.currentTarget.value || null })}
        />
      )}
      <Select
        label="Country of the numbers"
        description="Numbers may then be written as people there do, without + and country code."
        placeholder="Only numbers with + and country code"
        clearable
        value={settings.default_region}
        data={countries}
        onChange={(value) => change({ default_region: value })}
      />
      <Radio.Group
        label="When the campaign has a lead with the same duplicate key"
        value={settings.duplicates}
        onChange={(value) => change({ duplicates: value as Settings["duplicates"] })}
      >
        <Stack gap="xs" mt="xs">
          {DUPLICATES.map(([value, label, description]) => (
            <Radio key={value} value={value} label={label} description={description} />
          ))}
        </Stack>
      </Radio.Group>
      <Whose settings={settings} change={change} />
      {step.error !== null && <ProblemAlert error={step.error} />}
      <Group justify="end">
        <Button onClick={() => go().catch(() => undefined)} loading={step.isPending}>
          Preview
        </Button>
      </Group>
    </Stack>
  );
}

function Whose(props: { settings: Settings; change: (part: Partial<Settings>) => void }) {
  const { settings, change } = props;
  const { data: organisation } = useOrganisation();
  const owners = useMemo(
    () => [
      {
        group: "Teams",
        items: (organisation?.teams ?? [])
          .filter((team) => team.active)
          .map((team) => ({ value: `team:${team.team_id}`, label: team.name })),
      },
      {
        group: "Users",
        items: (organisation?.users ?? [])
          .filter((user) => user.active)
          .map((user) => ({ value: `user:${user.user_id}`, label: user.name })),
      },
    ],
    [organisation],
  );
  return (
    <Group align="start" grow>
      <Select
        label="Owner"
        description="Of rows without an ownership code"
        placeholder="The top-level team"
        clearable
        value={settings.owner}
        data={owners}
        onChange={(value) => change({ owner: value })}
      />
      <Select
        label="Status"
        description="Of rows that say none"
        allowDeselect={false}
        value={settings.status}
        data={(organisation?.statuses ?? [])
          .filter((status) => status.active)
          .map((status) => ({ value: status.code, label: status.label }))}
        onChange={(value) => value !== null && change({ status: value })}
      />
      <NumberInput
        label="Priority"
        description="Of rows that say none"
        min={1}
        max={10}
        clampBehavior="strict"
        allowDecimal={false}
        value={settings.priority}
        onChange={(value) => typeof value === "number" && change({ priority: value })}
      />
    </Group>
  );
}
