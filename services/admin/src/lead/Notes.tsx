import { ActionIcon, Button, Group, Stack, Text, Textarea } from "@mantine/core";
import { IconPencil, IconTrash } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useNames } from "../api/queries";
import { useOrders } from "../parts/command/sending";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useLeadFrame } from "./frame";
import { type LogEntry, useLog } from "./queries";
import { Section } from "./Section";

const KINDS = ["note_added", "note_edited"] as const;
const TEXT_MAX = 10_000;

/** What people wrote down about the lead, newest first. */
export function Notes() {
  const { lead, open, may, heard } = useLeadFrame();
  const notes = (lead.notes ?? []).toReversed();
  const log = useLog(
    lead.lead_id ?? "",
    { kinds: KINDS, actor: undefined, asOf: undefined },
    heard,
  );
  // Who wrote a note, and when: the newest entry of the log that is about it.
  const written = new Map<number, LogEntry>();
  for (const entry of log.data?.pages.flatMap((page) => page.entries) ?? []) {
    const note = entry.data.note;
    if (typeof note === "number" && !written.has(note)) written.set(note, entry);
  }
  return (
    <Section title="Notes">
      {may("AddNote") && <NewNote />}
      {notes.length === 0 && (
        <Text size="sm" c="dimmed">
          Nothing was written down yet.
        </Text>
      )}
      <Stack gap={6} mt={notes.length > 0 ? "xs" : 0}>
        {notes.map((note) => (
          <Group key={note.note} gap="xs" align="start" wrap="nowrap">
            <div className="lead-note">
              <Text size="sm" className="lead-text">
                {note.text}
              </Text>
              <Author entry={written.get(note.note)} />
            </div>
            {may("EditNote") && (
              <ActionIcon
                size="sm"
                variant="subtle"
                color="gray"
                aria-label={`Edit note ${note.note}`}
                onClick={() =>
                  open({
                    command: "EditNote",
                    initial: { note: note.note, text: note.text },
                    given: ["note"],
                  })
                }
              >
                <IconPencil size={14} aria-hidden />
              </ActionIcon>
            )}
            {may("RemoveNote") && (
              <ActionIcon
                size="sm"
                variant="subtle"
                color="gray"
                aria-label={`Remove note ${note.note}`}
                onClick={() =>
                  open({
                    command: "RemoveNote",
                    initial: { note: note.note },
                    given: ["note"],
                    title: `Remove "${note.text.slice(0, 40)}"`,
                  })
                }
              >
                <IconTrash size={14} aria-hidden />
              </ActionIcon>
            )}
          </Group>
        ))}
      </Stack>
    </Section>
  );
}

function Author({ entry }: { entry: LogEntry | undefined }) {
  const names = useNames();
  if (entry === undefined) return null;
  return (
    <Text size="xs" c="dimmed">
      {names.actor(entry.actor)}, <Moment at={entry.happened_at} />
      {entry.kind.endsWith("note_edited") ? ", edited" : ""}
    </Text>
  );
}

function NewNote() {
  const { target } = useLeadFrame();
  const order = useOrders();
  const [text, setText] = useState("");
  const adding = useMutation({
    mutationFn: () => order({ name: "AddNote", body: { text: text.trim() } }, target),
    onSuccess: () => setText(""),
  });
  const may = text.trim() !== "" && !adding.isPending;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (may) adding.mutate();
      }}
    >
      <Group gap="xs" align="end" wrap="nowrap">
        <Textarea
          flex={1}
          autosize
          minRows={1}
          maxRows={8}
          aria-label="New note"
          placeholder="Write a note. Ctrl+Enter adds it."
          maxLength={TEXT_MAX}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && may) adding.mutate();
          }}
        />
        <Button type="submit" variant="default" disabled={!may} loading={adding.isPending}>
          Add note
        </Button>
      </Group>
      {adding.error !== null && <ProblemAlert error={adding.error} />}
    </form>
  );
}
