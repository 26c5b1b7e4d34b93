import { Button, Group, Stack, Text } from "@mantine/core";
import { useEffect, useMemo, useRef, useState } from "react";
import type { CommandSpec } from "../../api/commands";
import { Problem, type Reason } from "../../api/problem";
import { ProblemAlert } from "../ProblemAlert";
import { CommandField } from "./CommandField";
import { type FormFrame, Frame } from "./form";
import { fieldsOf, type Shape } from "./shapes";
import { bodyOf, type Fault, startValues, step, type Values } from "./values";

/** What a command's form is given. */
export interface CommandFormProps {
  command: CommandSpec;
  /** What stands in the fields at first, by their names in the body. */
  initial?: Record<string, unknown>;
  /** Fields of `initial` that are sent as they are and not asked for. */
  given?: readonly string[];
  submitLabel: string;
  pending?: boolean;
  error?: Error | null;
  /** The campaign whose template and pools count. */
  campaignId?: string | null;
  onSubmit(body: Record<string, unknown>): void;
  onCancel?(): void;
}

/**
 * The form of any command, made from its schema. It gives a body that fits the schema; what it
 * finds wrong before, and what the service finds wrong after, stands at the field it is about.
 */
export function CommandForm(props: CommandFormProps) {
  const { command, given = [], error = null } = props;
  const [values, setValues] = useState<Values>(() => startValues(command, props.initial));
  const [faults, setFaults] = useState<readonly Fault[]>([]);
  const form = useRef<HTMLFormElement>(null);
  const shapes = useMemo(
    () => fieldsOf(command).filter((shape) => !given.includes(shape.name)),
    [command, given],
  );
  const told = useMemo(() => toldOf(error), [error]);
  const wrong = useMemo(() => [...faults, ...told], [faults, told]);
  const frame = frameOf(props.campaignId ?? null, values, wrong);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the cursor goes to what is wrong anew
  useEffect(() => {
    if (form.current !== null) firstWrong(form.current)?.focus();
  }, [faults, error]);
  const submit = () => {
    const made = bodyOf(command, values);
    setFaults(made.faults);
    if (made.faults.length === 0) props.onSubmit(made.body);
  };
  const rest = error === null ? null : restOf(error, shapes);
  return (
    <form
      ref={form}
      noValidate
      aria-label={command.summary || command.name}
      onSubmit={(event) => {
        event.preventDefault();
        event.stopPropagation();
        submit();
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit();
      }}
    >
      <Frame.Provider value={frame}>
        <Stack gap="sm">
          {rest !== null && <ProblemAlert error={rest} />}
          {shapes.length === 0 && (
            <Text size="sm" c="dimmed">
              There is nothing to fill in.
            </Text>
          )}
          {shapes.map((shape, index) => (
            <CommandField
              key={shape.name}
              shape={shape}
              value={values[shape.name]}
              pointer={step(shape.name)}
              first={index === 0}
              onChange={(value) => setValues((before) => ({ ...before, [shape.name]: value }))}
            />
          ))}
          <Group justify="flex-end" gap="sm" mt="xs">
            {props.onCancel !== undefined && (
              <Button variant="default" onClick={props.onCancel}>
                Cancel
              </Button>
            )}
            <Button type="submit" loading={props.pending ?? false}>
              {props.submitLabel}
            </Button>
          </Group>
        </Stack>
      </Frame.Provider>
    </form>
  );
}

/** The first input whose value is wrong; of a condition the last one, which says its value. */
function firstWrong(form: HTMLElement): HTMLElement | undefined {
  const found = form.querySelector<HTMLElement>("[aria-invalid='true'], [data-fault]");
  if (found === null || !found.hasAttribute("data-fault")) return found ?? undefined;
  const inputs = found.querySelectorAll<HTMLElement>(
    ":scope > :first-child input:not([type='hidden'])",
  );
  return [...inputs].at(-1);
}

/** The API names the place in the whole request; a form knows its body only. */
function place(reason: Reason): string {
  return reason.pointer.replace(/^\/body(?=\/|$)/, "");
}

function toldOf(error: Error | null): readonly Fault[] {
  if (!(error instanceof Problem)) return [];
  return error.reasons.map((reason) => ({ pointer: place(reason), detail: reason.detail }));
}

/** The error with the reasons that stand at no field; null when all of them do. */
function restOf(error: Error, shapes: readonly Shape[]): Error | null {
  if (!(error instanceof Problem) || error.reasons.length === 0) return error;
  const shown = new Set(shapes.map((shape) => step(shape.name)));
  const rest = error.reasons.filter(
    (reason) => !shown.has(/^\/[^/]*/.exec(place(reason))?.[0] ?? ""),
  );
  if (rest.length === 0) return null;
  return new Problem(
    error.status,
    error.title,
    rest.length === error.reasons.length ? error.detail : "",
    error.code,
    rest,
    error.retryable,
    error.traceId,
  );
}

/** A fault deep in a value is told at the innermost field that is drawn. */
function frameOf(campaignId: string | null, values: Values, faults: readonly Fault[]): FormFrame {
  const chosen = values.campaign_id ?? values.target_campaign_id;
  return {
    campaignId: typeof chosen === "string" && chosen !== "" ? chosen : campaignId,
    faults,
    fault: (pointer) =>
      faults
        .filter((fault) => fault.pointer === pointer)
        .map((fault) => fault.detail)
        .join(" "),
  };
}
