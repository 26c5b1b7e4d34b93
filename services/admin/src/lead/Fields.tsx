import { Button, Group, SimpleGrid, Text, UnstyledButton } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { TemplateValue } from "../parts/command/MapFields";
import { isMoved, MovedLead } from "../parts/command/Moved";
import { type TemplateField, useTemplate } from "../parts/command/options";
import { useOrders } from "../parts/command/sending";
import { words } from "../parts/command/words";
import { EmptyState } from "../parts/EmptyState";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useLeadFrame } from "./frame";
import { Section } from "./Section";
import { Value } from "./Value";

/** The lead's fields by its campaign's template; a click on a value edits it. */
export function Fields() {
  const { lead, target } = useLeadFrame();
  const template = useTemplate(target.campaignId ?? null);
  const known = new Set(template.map((field) => field.import_name));
  const values = lead.fields ?? {};
  // Values of fields that were taken out of the template stay with the lead.
  const rest = Object.keys(values).filter((name) => !known.has(name));
  return (
    <Section title="Fields">
      {template.length === 0 && rest.length === 0 && (
        <EmptyState title="No fields">The campaign's template has none.</EmptyState>
      )}
      <SimpleGrid cols={{ base: 1, md: 2, xl: 3 }} spacing="md" verticalSpacing={4}>
        {template.map((field) => (
          <Field key={field.import_name} field={field} value={values[field.import_name]} />
        ))}
        {rest.map((name) => (
          <div key={name}>
            <Text size="xs" c="dimmed">
              {words(name)} (not in the template)
            </Text>
            <Text size="sm" component="div">
              <Value field={name} value={values[name]} />
            </Text>
          </div>
        ))}
      </SimpleGrid>
    </Section>
  );
}

function Field({ field, value }: { field: TemplateField; value: unknown }) {
  const { may } = useLeadFrame();
  const [editing, setEditing] = useState(false);
  const label = field.label || field.import_name;
  if (editing) return <Edit field={field} value={value} close={() => setEditing(false)} />;
  const shown = (
    <>
      <Text size="xs" c="dimmed">
        {label}
        {field.personal ? " · personal" : ""}
      </Text>
      <Text size="sm" component="div">
        <Value field={field.import_name} value={value} />
      </Text>
    </>
  );
  if (!may("UpdateFields")) return <div>{shown}</div>;
  return (
    <UnstyledButton className="lead-field" title={`Edit ${label}`} onClick={() => setEditing(true)}>
      {shown}
    </UnstyledButton>
  );
}

function Edit(props: { field: TemplateField; value: unknown; close: () => void }) {
  const { field, close } = props;
  const { target } = useLeadFrame();
  const order = useOrders();
  // What was seen when one began: the page goes on following the lead underneath.
  const [seen] = useState(target);
  const [value, setValue] = useState<unknown>(props.value ?? "");
  const [version, setVersion] = useState(target.version ?? 0);
  const [movedSince, setMovedSince] = useState<number | null>(null);
  const saving = useMutation({
    mutationFn: (version: number) => {
      const empty = value === null || value === "";
      const body = empty ? { unset: [field.import_name] } : { set: { [field.import_name]: value } };
      return order({ name: "UpdateFields", body }, { ...seen, version });
    },
    onSuccess: close,
    onError: (error, sent) => isMoved(error) && setMovedSince(sent),
  });
  return (
    <form
      aria-label={`Edit ${field.label || field.import_name}`}
      onSubmit={(event) => {
        event.preventDefault();
        saving.mutate(version);
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") close();
      }}
    >
      <TemplateValue field={field} first value={value} pointer="" onChange={setValue} />
      {movedSince !== null && (
        <MovedLead key={movedSince} leadId={seen.id ?? ""} since={movedSince} onSeen={setVersion} />
      )}
      {saving.error !== null && !isMoved(saving.error) && <ProblemAlert error={saving.error} />}
      <Group gap={4} mt={4}>
        <Button type="submit" size="compact-xs" loading={saving.isPending}>
          {movedSince === null ? "Save" : "Save all the same"}
        </Button>
        <Button size="compact-xs" variant="default" onClick={close}>
          Cancel
        </Button>
      </Group>
    </form>
  );
}
