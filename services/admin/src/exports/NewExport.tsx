import {
  Alert,
  Button,
  Group,
  Modal,
  MultiSelect,
  SegmentedControl,
  Select,
  Stack,
  Switch,
  TagsInput,
  Text,
  TextInput,
} from "@mantine/core";
import { useState } from "react";
import { useCommand } from "../api/commands";
import { useColumns, useOrganisation } from "../api/queries";
import { figure, many } from "../jobs/figures";
import { useViewCount } from "../jobs/queries";
import { useViews } from "../leads/useViews";
import { ZONE } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import { bodyOf, type Wish } from "./wish";

/** Asks for leads to be written into a file: which, with which columns, for whom. */
export function NewExport(props: {
  view: string | null;
  filter: string | null;
  onClose: () => void;
}) {
  const views = useViews();
  const command = useCommand();
  const [wish, setWish] = useState<Wish>({
    name: "",
    view: props.view ?? (props.filter === null ? (views.data?.opens_first ?? "all") : null),
    filter: props.filter,
    columns: [],
    format: "csv",
    contacts: false,
    recipients: [],
  });
  const change = (part: Partial<Wish>) => setWish({ ...wish, ...part });
  const view = views.data?.views.find((one) => one.view === wish.view);
  const [fault, setFault] = useState<Error | null>(null);
  const send = () => {
    try {
      const body = bodyOf(wish, view?.name ?? "leads", ZONE);
      command.mutate({ name: "CreateExport", body }, { onSuccess: props.onClose });
    } catch (error) {
      setFault(error instanceof Error ? error : new Error(String(error)));
    }
  };
  return (
    <Modal opened onClose={props.onClose} title="Export leads" size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <Stack gap="md">
          {wish.filter === null ? (
            <Select
              label="Leads of the view"
              required
              allowDeselect={false}
              value={wish.view}
              data={(views.data?.views ?? []).map((one) => ({ value: one.view, label: one.name }))}
              onChange={(value) => change({ view: value })}
            />
          ) : (
            <Alert color="blue" title="Leads by this filter">
              <Text size="sm" ff="monospace" style={{ overflowWrap: "anywhere" }}>
                {wish.filter === "" ? "none: all leads in your sight" : wish.filter}
              </Text>
            </Alert>
          )}
          <HowMany view={wish.view} />
          <TextInput
            label="Name"
            description="The file is called so, and the list of exports."
            placeholder={view?.name ?? "leads"}
            maxLength={100}
            value={wish.name}
            onChange={(event) => change({ name: event.currentTarget.value })}
          />
          <Columns
            chosen={wish.columns}
            ofView={view?.columns ?? []}
            onChange={(columns) => change({ columns })}
          />
          <Group gap="lg" align="end">
            <SegmentedControl
              aria-label="Format"
              value={wish.format}
              data={[
                { value: "csv", label: "CSV" },
                { value: "ndjson", label: "Lines of JSON" },
              ]}
              onChange={(format) => change({ format: format as Wish["format"] })}
            />
            <Switch
              label="With the further contacts of each lead"
              checked={wish.contacts}
              onChange={(event) => change({ contacts: event.currentTarget.checked })}
            />
          </Group>
          <Recipients chosen={wish.recipients} onChange={(recipients) => change({ recipients })} />
          <Text size="xs" c="dimmed">
            The file is a ZIP, stored encrypted, and there for 24 hours. It shows one moment of the
            log, with what you may see then.
          </Text>
          {fault !== null && <ProblemAlert error={fault} />}
          {command.error !== null && <ProblemAlert error={command.error} />}
          <Group justify="end">
            <Button variant="default" onClick={props.onClose}>
              Back
            </Button>
            <Button type="submit" loading={command.isPending}>
              Export
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function HowMany({ view }: { view: string | null }) {
  const counts = useViewCount(view);
  const found = counts.data?.counts[0];
  if (view === null || found === undefined || found.count === null) return null;
  return (
    <Text size="sm" c="dimmed" role="status">
      {found.exact ? many(found.count, "lead") : `about ${figure(found.count)} leads`}
    </Text>
  );
}

function Columns(props: {
  chosen: string[];
  ofView: readonly string[];
  onChange: (columns: string[]) => void;
}) {
  const columns = useColumns();
  const shown = (columns.data?.columns ?? []).filter((one) => one.show);
  return (
    <MultiSelect
      label="Columns"
      description={
        props.ofView.length === 0
          ? "None chosen: all there are."
          : `None chosen: the ${props.ofView.length} of the view.`
      }
      placeholder={props.chosen.length === 0 ? "Choose columns" : ""}
      clearable
      hidePickedOptions
      maxDropdownHeight={260}
      value={props.chosen}
      data={shown.map((one) => ({ value: one.name, label: one.label }))}
      onChange={props.onChange}
    />
  );
}

/** Addresses to mail a link to; those of active users are offered. */
export function Recipients(props: {
  chosen: string[];
  onChange: (addresses: string[]) => void;
  required?: boolean;
}) {
  const { data: organisation } = useOrganisation();
  const known = (organisation?.users ?? []).flatMap((user) =>
    user.active && user.email !== null ? [user.email] : [],
  );
  return (
    <TagsInput
      label="Mail a link to"
      description="Active users, or domains that are allowed. Each gets a link of their own."
      placeholder={props.chosen.length === 0 ? "Nobody" : ""}
      required={props.required ?? false}
      maxTags={20}
      splitChars={[",", ";", " "]}
      acceptValueOnBlur
      data={[...new Set(known)]}
      value={props.chosen}
      onChange={props.onChange}
    />
  );
}
