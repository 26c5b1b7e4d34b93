import {
  ActionIcon,
  Button,
  Group,
  SegmentedControl,
  TextInput,
  Title,
  VisuallyHidden,
} from "@mantine/core";
import { useDebouncedCallback, useHotkeys } from "@mantine/hooks";
import {
  IconBaselineDensityMedium,
  IconBaselineDensitySmall,
  IconFilter,
  IconSearch,
  IconX,
} from "@tabler/icons-react";
import { type ReactNode, useEffect, useState } from "react";
import { Builder } from "./filter/Builder";
import { Chips } from "./filter/Chips";
import { QuickBar } from "./filter/QuickBar";
import { conjuncts } from "./filter/tree";
import { useLabels } from "./filter/useLabels";
import { AddColumn } from "./grid/AddColumn";
import type { LeadColumn } from "./grid/values";
import type { useColumnActions } from "./useColumnActions";
import type { LeadsState } from "./useLeadsState";

const PAUSE_MS = 300;

/** Above the rows: the view and what differs from it, the search, the filters, the columns. */
export function TopBar({
  state,
  columns,
  actions,
  asking,
  onAsking,
  save,
}: {
  state: LeadsState;
  columns: readonly LeadColumn[];
  actions: ReturnType<typeof useColumnActions>["actions"];
  /** null: the builder is closed; "" it is open; else it is open and asks for this field. */
  asking: string | null;
  onAsking: (field: string | null) => void;
  save: ReactNode;
}) {
  const labels = useLabels();
  const tree = state.tree ?? null;
  useHotkeys([["f", () => onAsking("")]]);
  return (
    <>
      <div className="leads-bar">
        <Group gap="xs" mb={6}>
          <Title order={1} size="h3" maw={320} lineClamp={1}>
            {state.view?.name ?? "Leads"}
          </Title>
          {save}
          <Group gap={6} ml="auto" wrap="nowrap">
            <SearchBox
              value={state.q}
              onChange={(q) => state.set({ q: q === "" ? undefined : q })}
            />
            <SegmentedControl
              size="xs"
              aria-label="Height of rows"
              value={state.layout.rows}
              onChange={(rows) => state.set({ rows }, true)}
              data={[
                {
                  value: "dense",
                  label: (
                    <Height
                      icon={<IconBaselineDensitySmall size={14} aria-hidden />}
                      text="Dense rows"
                    />
                  ),
                },
                {
                  value: "roomy",
                  label: (
                    <Height
                      icon={<IconBaselineDensityMedium size={14} aria-hidden />}
                      text="Roomy rows"
                    />
                  ),
                },
              ]}
            />
            <AddColumn all={columns} shown={state.columns} onToggle={actions.toggle} />
          </Group>
        </Group>
        <Group gap={6}>
          <QuickBar tree={tree} labels={labels} onChange={state.setTree} />
          <Button
            size="xs"
            variant={conjuncts(tree).length > 0 ? "light" : "default"}
            leftSection={<IconFilter size={14} aria-hidden />}
            onClick={() => onAsking("")}
          >
            All filters
          </Button>
        </Group>
        <div style={{ marginTop: conjuncts(tree).length > 0 || state.q !== "" ? 6 : 0 }}>
          <Chips
            tree={tree}
            q={state.q}
            labels={labels}
            onChange={state.setTree}
            onClearSearch={() => state.set({ q: undefined })}
            onClearAll={() => state.set({ q: undefined, filter: "" })}
            onOpen={() => onAsking("")}
          />
        </div>
      </div>
      <Builder
        opened={asking !== null}
        tree={tree}
        asking={asking === "" ? null : asking}
        labels={labels}
        onApply={state.setTree}
        onClose={() => onAsking(null)}
      />
    </>
  );
}

function Height({ icon, text }: { icon: ReactNode; text: string }) {
  return (
    <span title={text} style={{ display: "flex" }}>
      {icon}
      <VisuallyHidden>{text}</VisuallyHidden>
    </span>
  );
}

/** Finds by what one types, a moment after one stops. */
function SearchBox({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const [text, setText] = useState(value);
  const later = useDebouncedCallback(onChange, PAUSE_MS);
  useEffect(() => setText(value), [value]);
  return (
    <TextInput
      size="xs"
      w={230}
      aria-label="Search in these leads"
      placeholder="Search in these leads"
      leftSection={<IconSearch size={14} aria-hidden />}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        later(event.currentTarget.value.trim());
      }}
      rightSection={
        text !== "" && (
          <ActionIcon
            size="xs"
            variant="subtle"
            color="gray"
            aria-label="Clear the search"
            onClick={() => onChange("")}
          >
            <IconX size={12} aria-hidden />
          </ActionIcon>
        )
      }
    />
  );
}
