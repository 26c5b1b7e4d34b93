import { commandNamed } from "../api/commands";
import { useNames } from "../api/queries";
import { useOptions } from "../parts/command/options";
import { fieldsOf, type Shape } from "../parts/command/shapes";
import { choiceLabel } from "../parts/command/words";
import type { BulkJob } from "./jobs";
import { shortValue } from "./words";

/** What a job's command was given, in one line: each field by its name, each id by what it is. */
export function Given({ job }: { job: Pick<BulkJob, "command" | "fields"> }) {
  const given = fieldsOf(commandNamed(job.command)).filter((shape) => shape.name in job.fields);
  return given.map((shape, index) => (
    <span key={shape.name}>
      {index > 0 && " · "}
      {shape.label}: <Value shape={shape} value={job.fields[shape.name]} />
    </span>
  ));
}

function Value({ shape, value }: { shape: Shape; value: unknown }) {
  const meaning = shape.item?.meaning ?? shape.meaning;
  const options = useOptions(meaning);
  const names = useNames();
  const worded = (one: unknown) => {
    const label = options.find((option) => option.value === String(one))?.label;
    if (label !== undefined) return label;
    return meaning === "choice" ? choiceLabel(one) : shortValue(one, names);
  };
  return (
    <>{Array.isArray(value) && value.length > 0 ? value.map(worded).join(", ") : worded(value)}</>
  );
}
