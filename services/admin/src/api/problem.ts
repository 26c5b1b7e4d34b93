/** One reason of a refusal; `pointer` names the part of the request it is about. */
export interface Reason {
  code: string;
  detail: string;
  pointer: string;
}

/** An answer that is not what was asked for (RFC 9457), with every reason it gives. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly code: string,
    readonly reasons: readonly Reason[],
    readonly retryable: boolean,
    readonly traceId: string,
  ) {
    super(detail || title);
    this.name = "Problem";
  }

  /** The service did not answer at all. */
  static unreachable(): Problem {
    return new Problem(
      0,
      "The service does not answer",
      "Nothing was changed that you were not told of. Check the connection, then try again.",
      "unreachable",
      [],
      true,
      "",
    );
  }
}

/** The problem that an answer holds; also when it is no problem document. */
export async function problemOf(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  const fields = (body !== null && typeof body === "object" ? body : {}) as Record<string, unknown>;
  const text = (name: string) => (typeof fields[name] === "string" ? (fields[name] as string) : "");
  return new Problem(
    response.status,
    text("title") || `The service answered ${response.status}`,
    text("detail"),
    text("code") || "unknown",
    Array.isArray(fields.errors) ? (fields.errors as Reason[]) : [],
    fields.retryable === true,
    text("trace_id"),
  );
}
