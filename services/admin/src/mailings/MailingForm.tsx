import {
  Alert,
  Button,
  Checkbox,
  Chip,
  Group,
  List,
  Modal,
  SegmentedControl,
  Select,
  Stack,
  Switch,
  TagsInput,
  Text,
} from "@mantine/core";
import { useMemo, useState } from "react";
import { useCommand } from "../api/commands";
import { Recipients } from "../exports/NewExport";
import { useViews } from "../leads/useViews";
import { ZONE } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import type { Mailing } from "./queries";
import { nextTimes, type On, type Schedule, WEEKDAYS, weekdayName } from "./schedule";

const TIME = /^([01][0-9]|2[0-3]):[0-5][0-9]$/;
const MONTH_DAYS = Array.from({ length: 31 }, (_, day) => String(day + 1));

type Draft = Schedule & Pick<Mailing, "recipients" | "format" | "contacts" | "skip_empty">;

const FIRST: Draft = {
  times: ["08:30"],
  zone: ZONE,
  weekdays: [1, 2, 3, 4, 5],
  days: [],
  recipients: [],
  format: "csv",
  contacts: false,
  skip_empty: true,
};

/** Sets up that a view is mailed, or changes when, how and to whom one is. */
export function MailingForm(props: {
  view: string | null;
  mailing: Mailing | null;
  onClose: () => void;
}) {
  const { mailing } = props;
  const views = useViews();
  const command = useCommand();
  const [view, setView] = useState(props.view);
  const [draft, setDraft] = useState<Draft>(mailing ?? FIRST);
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const send = () => {
    const { times, zone, weekdays, days, recipients, format, contacts, skip_empty } = draft;
    const body = { times, zone, weekdays, days, recipients, format, contacts, skip_empty };
    command.mutate(
      mailing === null
        ? { name: "ScheduleViewMail", body: { view, ...body } }
        : { name: "ChangeViewMail", id: mailing.id, version: mailing.version, body },
      { onSuccess: props.onClose },
    );
  };
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={mailing === null ? "Mail a view" : "Change when and to whom it is mailed"}
      size="lg"
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <Stack gap="md">
          <Select
            label="View"
            required
            disabled={mailing !== null}
            value={view}
            placeholder="Choose a view"
            data={(views.data?.views ?? []).map((one) => ({ value: one.view, label: one.name }))}
            onChange={setView}
          />
          <When draft={draft} change={change} />
          <Recipients
            required
            chosen={draft.recipients}
            onChange={(recipients) => change({ recipients })}
          />
          <Group gap="lg">
            <SegmentedControl
              aria-label="Format"
              value={draft.format}
              data={[
                { value: "csv", label: "CSV" },
                { value: "ndjson", label: "Lines of JSON" },
              ]}
              onChange={(format) => change({ format: format as Draft["format"] })}
            />
            <Switch
              label="With further contacts"
              checked={draft.contacts}
              onChange={(event) => change({ contacts: event.currentTarget.checked })}
            />
            <Checkbox
              label="Send nothing when there are no leads"
              checked={draft.skip_empty}
              onChange={(event) => change({ skip_empty: event.currentTarget.checked })}
            />
          </Group>
          {command.error !== null && <ProblemAlert error={command.error} />}
          <Group justify="end">
            <Button variant="default" onClick={props.onClose}>
              Back
            </Button>
            <Button
              type="submit"
              loading={command.isPending}
              disabled={view === null || draft.times.length === 0 || draft.recipients.length === 0}
            >
              {mailing === null ? "Set up" : "Change"}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function onOf(draft: Draft): On {
  if (draft.weekdays.length > 0) return "weekdays";
  return draft.days.length > 0 ? "days" : "every";
}

function When({ draft, change }: { draft: Draft; change: (part: Partial<Draft>) => void }) {
  const [on, setOn] = useState<On>(onOf(draft));
  const zones = useMemo(() => Intl.supportedValuesOf("timeZone"), []);
  const next = nextTimes(draft, new Date(), 4);
  return (
    <>
      <Group grow align="start">
        <TagsInput
          label="Times of the day"
          description="Like 08:30; 12 at most"
          required
          maxTags={12}
          acceptValueOnBlur
          splitChars={[",", ";", " "]}
          value={draft.times}
          onChange={(times) => change({ times: times.filter((time) => TIME.test(time)).sort() })}
        />
        <Select
          label="By the clock of"
          description="A time zone; summer time is kept"
          allowDeselect={false}
          limit={100}
          value={draft.zone}
          data={zones.includes(draft.zone) ? zones : [draft.zone, ...zones]}
          onChange={(zone) => zone !== null && change({ zone })}
        />
      </Group>
      <SegmentedControl
        aria-label="Days"
        value={on}
        data={[
          { value: "every", label: "Every day" },
          { value: "weekdays", label: "Days of the week" },
          { value: "days", label: "Days of the month" },
        ]}
        onChange={(value) => {
          setOn(value as On);
          change({
            weekdays: value === "weekdays" ? [1, 2, 3, 4, 5] : [],
            days: value === "days" ? [1] : [],
          });
        }}
      />
      {on === "weekdays" && (
        <Chip.Group
          multiple
          value={draft.weekdays.map(String)}
          onChange={(chosen) => change({ weekdays: chosen.map(Number).sort() })}
        >
          <Group gap={6}>
            {WEEKDAYS.map((day) => (
              <Chip key={day} value={String(day)} size="xs">
                {weekdayName(day)}
              </Chip>
            ))}
          </Group>
        </Chip.Group>
      )}
      {on === "days" && (
        <Chip.Group
          multiple
          value={draft.days.map(String)}
          onChange={(chosen) => change({ days: chosen.map(Number).sort((a, b) => a - b) })}
        >
          <Group gap={4}>
            {MONTH_DAYS.map((day) => (
              <Chip key={day} value={day} size="xs">
                {day}
              </Chip>
            ))}
          </Group>
        </Chip.Group>
      )}
      <Alert color="blue" title={`Next, by the clock of ${draft.zone}`}>
        <List size="sm">
          {next.map((text) => (
            <List.Item key={text}>{text}</List.Item>
          ))}
        </List>
        {draft.days.includes(31) && <Text size="xs">31 is the last day of a shorter month.</Text>}
      </Alert>
    </>
  );
}
