import { createContext, useContext } from "react";
import type { Target } from "../parts/command/sending";
import type { Lead } from "./queries";

/** A command one is about to give from somewhere on the page. */
export interface Opening {
  command: string;
  initial?: Record<string, unknown>;
  given?: readonly string[];
  title?: string;
}

/** What every part of a lead's page knows. */
export interface LeadFrame {
  lead: Lead;
  target: Target;
  /** Whether the past is looked at, where nothing can be changed. */
  past: boolean;
  /** The newest position heard of: reads wait for it. */
  heard: number;
  /** Whether the caller may give this command now. */
  may(command: string): boolean;
  /** Opens the dialog of a command. */
  open(opening: Opening): void;
}

/** The page's frame; its parts are drawn inside of one. */
export const Frame = createContext<LeadFrame | null>(null);

/** The frame of the lead's page around. */
export function useLeadFrame(): LeadFrame {
  const frame = useContext(Frame);
  if (frame === null) throw new Error("there is no lead around");
  return frame;
}

/** What people call a lead: its name, else its number, else the beginning of its id. */
export function leadName(lead: Lead): string {
  return lead.name || lead.phone || (lead.lead_id ?? "").slice(0, 8);
}
