import { createContext, useContext } from "react";
import type { Shape } from "./shapes";
import type { Fault } from "./values";

/** What every field of a form may need to know of the whole. */
export interface FormFrame {
  /** The campaign whose pools and template count, if one is known. */
  campaignId: string | null;
  /** All that is wrong with the form's values; the same array until something else is. */
  faults: readonly Fault[];
  /** What is wrong with the value at this JSON pointer, "" when nothing is. */
  fault(pointer: string): string;
}

/** The frame that a form's fields stand in. */
export const Frame = createContext<FormFrame>({
  campaignId: null,
  faults: [],
  fault: () => "",
});

/** The frame of the form around. */
export function useFrame(): FormFrame {
  return useContext(Frame);
}

/** What every kind of field takes. */
export interface FieldProps {
  shape: Shape;
  value: unknown;
  pointer: string;
  /** Whether the cursor stands here when the form opens. */
  first?: boolean;
  onChange(value: unknown): void;
}

/** What all inputs show around their value. */
export function useAround({ shape, pointer, first }: FieldProps) {
  const fault = useFrame().fault(pointer);
  return {
    label: shape.label,
    required: shape.required && !shape.nullable,
    ...(shape.help !== "" && { description: shape.help }),
    ...(fault !== "" && { error: fault }),
    ...(first && { "data-autofocus": true }),
  };
}

/** The value as text, "" when there is none. */
export function textOf(value: unknown): string {
  return value === null || value === undefined ? "" : String(value);
}
