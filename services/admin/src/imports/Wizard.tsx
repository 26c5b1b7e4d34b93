import { Alert, Anchor, Stepper } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ColumnsStep } from "./ColumnsStep";
import { PreviewStep } from "./PreviewStep";
import type { Import } from "./queries";
import { IMPORT_STEPS } from "./routes";
import { SettingsStep } from "./SettingsStep";

/** The steps of an import, as they are called. */
export const STEP_NAMES = ["File", "Columns", "Settings", "Preview", "Import"] as const;

const route = getRouteApi("/imports/$importId");

/** What is to be said before a file is imported: columns, settings, a look at what comes. */
export function Wizard({ one }: { one: Import }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const step = one.settings === null ? "columns" : (search.step ?? nextStep(one));
  const goTo = (next: (typeof IMPORT_STEPS)[number]) => navigate({ search: { step: next } });
  return (
    <>
      <Stepper
        active={IMPORT_STEPS.indexOf(step) + 1}
        size="sm"
        mb="lg"
        onStepClick={(index) => {
          const chosen = IMPORT_STEPS[index - 1];
          if (chosen !== undefined && one.settings !== null) goTo(chosen);
        }}
      >
        {STEP_NAMES.map((name, index) => (
          <Stepper.Step
            key={name}
            label={name}
            allowStepSelect={index > 0 && index < 4 && one.settings !== null}
          />
        ))}
      </Stepper>
      {one.earlier.length > 0 && (
        <Alert icon={<IconInfoCircle aria-hidden />} mb="md" color="blue">
          This file was imported before with the same settings (
          {one.earlier.map((id) => (
            <Anchor
              key={id}
              component={Link}
              to="/imports/$importId"
              params={{ importId: id } as never}
              size="sm"
            >
              see it
            </Anchor>
          ))}
          ). Rows that are done are not done twice; refused ones are tried again.
        </Alert>
      )}
      {step === "columns" && <ColumnsStep one={one} onDone={() => goTo("settings")} />}
      {step === "settings" && <SettingsStep one={one} onDone={() => goTo("preview")} />}
      {step === "preview" && <PreviewStep one={one} />}
    </>
  );
}

function nextStep(one: Import): (typeof IMPORT_STEPS)[number] {
  return one.previewed ? "preview" : "settings";
}
