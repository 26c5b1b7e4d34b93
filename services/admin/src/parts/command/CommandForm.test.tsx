import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import type { ReactElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { commandNamed, commands } from "../../api/commands";
import { Problem } from "../../api/problem";
import { CommandForm } from "./CommandForm";
import { fieldsOf } from "./shapes";
import { mismatches, sample } from "./values.check";

const SLOW_MS = 60_000;

beforeAll(() => {
  // What a browser has and jsdom lacks.
  vi.stubGlobal("matchMedia", (media: string) => ({
    media,
    matches: false,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  }));
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  );
  Object.defineProperty(document, "fonts", { value: new EventTarget() });
  // Hundreds of zones take seconds to draw here.
  vi.spyOn(Intl, "supportedValuesOf").mockReturnValue(["Europe/Berlin"]);
  vi.stubGlobal("fetch", () => new Promise(() => undefined));
});
afterEach(cleanup);

function within(element: ReactElement) {
  return (
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>{element}</QueryClientProvider>
    </MantineProvider>
  );
}

function show(element: ReactElement) {
  return render(within(element));
}

test.each(commands.map((command) => [command.name, command] as const))(
  "%s: its form is drawn with a name at every input",
  (_name, command) => {
    const initial =
      command.schema.type === "array"
        ? { items: sample(command.schema) }
        : (sample(command.schema) as Record<string, unknown>);
    // Drawn as text: a whole page is slow to build where a form has hundreds of inputs.
    const page = document.createElement("div");
    page.innerHTML = renderToStaticMarkup(
      within(
        <CommandForm
          command={command}
          initial={initial}
          submitLabel="Send it"
          onSubmit={() => undefined}
        />,
      ),
    );
    for (const shape of fieldsOf(command)) expect(page.textContent).toContain(shape.label);
    for (const input of page.querySelectorAll("input:not([type=hidden]), textarea")) {
      const labelled = page.querySelector(`label[for="${input.id}"]`) !== null;
      expect(labelled || input.getAttribute("aria-label")).toBeTruthy();
    }
  },
  SLOW_MS,
);

test.each(["ChangeStatus", "ChangeFollowUpRules", "RecordCall", "UpdateContact"])(
  "%s: what stands in its form is sent, and fits",
  (name) => {
    const sent = vi.fn();
    const command = commandNamed(name);
    const initial = sample(command.schema) as Record<string, unknown>;
    show(<CommandForm command={command} initial={initial} submitLabel="Send" onSubmit={sent} />);
    fireEvent.submit(screen.getByRole("form"));
    expect(sent).toHaveBeenCalledOnce();
    expect(mismatches(command.schema, sent.mock.lastCall?.[0])).toEqual([]);
  },
  SLOW_MS,
);

test("nothing is sent while something needed is missing, and it is told at its field", () => {
  const sent = vi.fn();
  show(<CommandForm command={commandNamed("AddNote")} submitLabel="Add" onSubmit={sent} />);
  fireEvent.submit(screen.getByRole("form"));
  expect(sent).not.toHaveBeenCalled();
  const text = screen.getByRole("textbox", { name: /text/i });
  expect(text.getAttribute("aria-invalid")).toBe("true");
  expect(document.activeElement).toBe(text);
  fireEvent.change(text, { target: { value: "Called back" } });
  fireEvent.submit(screen.getByRole("form"));
  expect(sent).toHaveBeenCalledWith({ text: "Called back" });
});

test("what the service refuses stands at its field, and what is about no field on top", () => {
  const error = new Problem(
    409,
    "This cannot be done now",
    "Two reasons.",
    "refused",
    [
      { code: "a", detail: "Reserved for somebody else.", pointer: "" },
      { code: "b", detail: "It is not a number.", pointer: "/body/phone" },
    ],
    false,
    "",
  );
  show(
    <CommandForm
      command={commandNamed("ChangePhone")}
      initial={{ phone: "+49" }}
      submitLabel="Change"
      error={error}
      onSubmit={() => undefined}
    />,
  );
  expect(screen.getByRole("alert").textContent).toContain("Reserved for somebody else.");
  expect(screen.getByRole("alert").textContent).not.toContain("It is not a number.");
  const phone = screen.getByRole("textbox", { name: /phone number/i });
  expect(phone.getAttribute("aria-invalid")).toBe("true");
  expect(screen.getByText("It is not a number.")).toBeTruthy();
});

test("fields that are given are sent and not asked for", () => {
  const sent = vi.fn();
  show(
    <CommandForm
      command={commandNamed("EditNote")}
      initial={{ note: 3, text: "Old" }}
      given={["note"]}
      submitLabel="Save"
      onSubmit={sent}
    />,
  );
  expect(screen.queryByLabelText(/^note/i)).toBeNull();
  fireEvent.submit(screen.getByRole("form"));
  expect(sent).toHaveBeenCalledWith({ note: 3, text: "Old" });
});
