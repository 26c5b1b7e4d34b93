import { useEffect, useRef, useState } from "react";
import { raw } from "./client";
import { Problem } from "./problem";

/** One event of a lead in sight, as it happens. */
export interface Happening {
  position: number;
  lead_id: string;
  version: number;
  kind: string;
  happened_at: string;
  recorded_at: string;
  actor: string;
  cause: string;
  campaign_id: string | null;
  owner: string | null;
  status: string | null;
  data: Record<string, unknown>;
}

/** Whether the stream stands, is being built up, or was given up. */
export type Line = "live" | "connecting" | "paused" | "ended";

const AGAIN_MS_MIN = 500;
const AGAIN_MS_MAX = 15_000;

interface Frame {
  event: string;
  data: string;
  id: string;
}

/** Cuts a stream of server-sent events into frames; comments are left out. */
export async function* frames(body: ReadableStream<Uint8Array>): AsyncGenerator<Frame> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const parts = text.split("\n\n");
      text = parts.pop() ?? "";
      for (const part of parts) {
        const frame: Frame = { event: "message", data: "", id: "" };
        for (const line of part.split("\n")) {
          const colon = line.indexOf(":");
          if (colon <= 0) continue;
          const name = line.slice(0, colon);
          const value = line.slice(colon + 1).replace(/^ /, "");
          if (name === "event" || name === "id") frame[name] = value;
          if (name === "data") frame.data += value;
        }
        if (frame.data !== "") yield frame;
      }
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/**
 * Follows what happens to leads in sight, from now on. A lost line is taken up where it broke, so
 * nothing is missed. While the tab is hidden it holds no line, for a browser has six of them.
 */
export function useActivity(
  query: string,
  running: boolean,
  hear: (happenings: Happening[]) => void,
): { line: Line; error: Problem | null } {
  const [line, setLine] = useState<Line>("connecting");
  const [error, setError] = useState<Problem | null>(null);
  const [visible, setVisible] = useState(!document.hidden);
  const hearing = useRef(hear);
  hearing.current = hear;
  const last = useRef("");

  useEffect(() => {
    const look = () => setVisible(!document.hidden);
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another question starts from now on
  useEffect(() => {
    last.current = "";
  }, [query]);

  useEffect(() => {
    if (!running || !visible) {
      setLine("paused");
      return;
    }
    const stop = new AbortController();
    follow(
      query,
      last,
      stop.signal,
      (happenings) => hearing.current(happenings),
      setLine,
      setError,
    );
    return () => stop.abort();
  }, [query, running, visible]);

  return { line, error };
}

async function follow(
  query: string,
  last: { current: string },
  signal: AbortSignal,
  hear: (happenings: Happening[]) => void,
  setLine: (line: Line) => void,
  setError: (error: Problem | null) => void,
): Promise<void> {
  let again = AGAIN_MS_MIN;
  while (!signal.aborted) {
    setLine("connecting");
    try {
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (last.current !== "") headers["Last-Event-ID"] = last.current;
      const response = await raw(`/v1/activity?${query}`, { headers, signal });
      setLine("live");
      setError(null);
      again = AGAIN_MS_MIN;
      if (response.body === null) return;
      let heard: Happening[] = [];
      let shown = false;
      for await (const frame of frames(response.body)) {
        if (frame.event !== "activity") continue;
        last.current = frame.id;
        heard.push(JSON.parse(frame.data) as Happening);
        if (shown) continue;
        shown = true;
        // What comes in one burst is drawn once.
        requestAnimationFrame(() => {
          hear(heard);
          heard = [];
          shown = false;
        });
      }
    } catch (error) {
      if (signal.aborted) return;
      const problem = error instanceof Problem ? error : Problem.unreachable();
      setError(problem);
      if (!problem.retryable && problem.status !== 0) {
        setLine("ended");
        return;
      }
    }
    await wait(again, signal);
    again = Math.min(again * 2, AGAIN_MS_MAX);
  }
}
