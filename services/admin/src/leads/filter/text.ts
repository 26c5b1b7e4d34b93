import type { Group, Logged, Range, Scalar, Tree } from "./tree";

/** Where and why a text is no filter. */
export class FilterSyntax extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
    this.name = "FilterSyntax";
  }
}

const WORDS = new Set(
  "and or not in between contains starts is empty log search true false".split(" "),
);
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const BARE = /^[A-Za-z0-9_.:@/%+*#~$&?|;{}^`'\\-]+$/;
const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|(<=|>=|!=|[=<>()[\],])|([^\s"=<>!()[\],]+))/y;
const SIGNS = { gt: ">", gte: ">=", lt: "<", lte: "<=" } as const;
const BOUNDS = { ">": "gt", ">=": "gte", "<": "lt", "<=": "lte" } as const;
const DEPTH_MAX = 12;

function word(text: string): string {
  return BARE.test(text) && !WORDS.has(text) && !NUMBER.test(text) ? text : JSON.stringify(text);
}

function scalar(value: Scalar): string {
  return typeof value === "string" ? word(value) : JSON.stringify(value);
}

function list(values: readonly Scalar[]): string {
  return `(${values.map(scalar).join(", ")})`;
}

/** The text form of a filter, as the API spells it (schemas/filter_text.py). */
export function printFilter(tree: Tree): string {
  switch (tree.op) {
    case "and":
      return joined(tree, ["and", "or"]);
    case "or":
      return joined(tree, ["or"]);
    case "not":
      if (tree.of.op === "equals") return `${word(tree.of.field)} != ${scalar(tree.of.value)}`;
      if (tree.of.op === "is_empty") return `${word(tree.of.field)} is not empty`;
      return `not ${inner(tree.of, ["and", "or"])}`;
    case "equals":
      return `${word(tree.field)} = ${scalar(tree.value)}`;
    case "in":
      return `${word(tree.field)} in ${list(tree.values)}`;
    case "contains":
    case "starts":
      return `${word(tree.field)} ${tree.op} ${word(tree.value)}`;
    case "is_empty":
      return `${word(tree.field)} is empty`;
    case "in_teams":
      return [
        word(tree.field),
        "in teams",
        ...(tree.below === false ? ["alone"] : []),
        list(tree.teams),
      ].join(" ");
    case "search":
      return `search ${word(tree.value)}`;
    case "range":
      return `${word(tree.field)} ${bounds(tree)}`;
    case "log":
      return log(tree);
  }
}

function joined(tree: Group, bracketed: readonly string[]): string {
  const [only] = tree.of;
  if (tree.of.length === 1 && only !== undefined) return `${tree.op} (${printFilter(only)})`;
  return tree.of.map((child) => inner(child, bracketed)).join(` ${tree.op} `);
}

function inner(child: Tree, bracketed: readonly string[]): string {
  const single = (child.op === "and" || child.op === "or") && child.of.length === 1;
  return single || !bracketed.includes(child.op) ? printFilter(child) : `(${printFilter(child)})`;
}

function bounds(tree: Range): string {
  const lower = tree.gte ?? tree.gt ?? null;
  const upper = tree.lte ?? tree.lt ?? null;
  const lowerName = tree.gte !== undefined && tree.gte !== null ? "gte" : "gt";
  const upperName = tree.lte !== undefined && tree.lte !== null ? "lte" : "lt";
  if (lower !== null && upper !== null) {
    const opening = lowerName === "gte" ? "[" : "(";
    const closing = upperName === "lte" ? "]" : ")";
    return `between ${opening}${scalar(lower)}, ${scalar(upper)}${closing}`;
  }
  if (lower !== null) return `${SIGNS[lowerName]} ${scalar(lower)}`;
  return `${SIGNS[upperName]} ${scalar(upper ?? "")}`;
}

function log(tree: Logged): string {
  const given: string[] = [];
  const kinds = tree.kinds ?? [];
  if (kinds.length > 0 && kinds.join() !== "lead.call_recorded")
    given.push(`kinds = ${list(kinds)}`);
  if (tree.end_causes?.length) given.push(`end_causes = ${list(tree.end_causes)}`);
  if (tree.dispositions?.length) given.push(`dispositions = ${list(tree.dispositions)}`);
  if (tree.actors?.length) given.push(`actors = ${list(tree.actors)}`);
  if (tree.since) given.push(`since = ${word(tree.since)}`);
  if (tree.until) given.push(`until = ${word(tree.until)}`);
  if ((tree.at_least ?? 1) !== 1) given.push(`at_least = ${tree.at_least}`);
  return `log(${given.join(", ")})`;
}

/** The filter that a text spells; null for an empty one. Throws `FilterSyntax`. */
export function readFilter(text: string): Tree | null {
  if (text.trim() === "") return null;
  const reader = new Reader(text);
  const tree = reader.anyOf(1);
  if (reader.kind !== "end") reader.fail("expected `and`, `or` or the end");
  return tree;
}

/** Reads one token ahead and builds the JSON form; what values may be is for the service to say. */
class Reader {
  kind: "quoted" | "sign" | "bare" | "end" = "end";
  private token = "";
  private next = 0;
  private start = 0;

  constructor(private readonly all: string) {
    this.advance();
  }

  fail(wanted: string): never {
    const found = this.kind === "end" ? "the end" : `\`${this.token.slice(0, 40)}\``;
    throw new FilterSyntax(`${wanted}, found ${found} at character ${this.start + 1}`, this.start);
  }

  private advance(): void {
    while (this.next < this.all.length && /\s/.test(this.all.charAt(this.next))) this.next += 1;
    this.start = this.next;
    if (this.next === this.all.length) {
      this.kind = "end";
      this.token = "";
      return;
    }
    TOKEN.lastIndex = this.next;
    const found = TOKEN.exec(this.all);
    if (found === null) {
      this.kind = "sign";
      this.token = this.all.charAt(this.next);
      this.fail("expected a name, a value or a sign");
    }
    this.kind = found[1] !== undefined ? "quoted" : found[2] !== undefined ? "sign" : "bare";
    this.token = found[1] ?? found[2] ?? found[3] ?? "";
    this.next = TOKEN.lastIndex;
  }

  private is(token: string): boolean {
    return this.kind !== "quoted" && this.kind !== "end" && this.token === token;
  }

  private take(token: string): boolean {
    const taken = this.is(token);
    if (taken) this.advance();
    return taken;
  }

  private expect(token: string): void {
    if (!this.take(token)) this.fail(`expected \`${token}\``);
  }

  anyOf(depth: number): Tree {
    return this.side("or", () => this.side("and", () => this.one(depth)));
  }

  private side(op: "and" | "or", read: () => Tree): Tree {
    const first = read();
    const of = [first];
    while (this.take(op)) of.push(read());
    return of.length > 1 ? { op, of } : first;
  }

  private one(depth: number): Tree {
    if (depth > DEPTH_MAX) this.fail(`expected at most ${DEPTH_MAX} levels`);
    if (this.take("not")) return { op: "not", of: this.one(depth + 1) };
    for (const op of ["and", "or"] as const) {
      if (this.take(op)) return { op, of: [this.bracketed(depth)] };
    }
    if (this.is("(")) return this.bracketed(depth);
    if (this.take("search")) return { op: "search", value: this.text() };
    if (this.take("log")) return this.logged();
    return this.comparison(this.name());
  }

  private bracketed(depth: number): Tree {
    this.expect("(");
    const tree = this.anyOf(depth + 1);
    this.expect(")");
    return tree;
  }

  private name(): string {
    const isName = this.kind === "quoted" || (this.kind === "bare" && !WORDS.has(this.token));
    if (!isName) this.fail("expected a condition");
    return this.text();
  }

  private comparison(field: string): Tree {
    if (this.take("=")) return { op: "equals", field, value: this.value() };
    if (this.take("!=")) {
      return { op: "not", of: { op: "equals", field, value: this.value() } };
    }
    for (const [sign, bound] of Object.entries(BOUNDS)) {
      if (this.take(sign)) return { op: "range", field, [bound]: this.bound() };
    }
    if (this.take("in")) {
      if (!this.take("teams")) return { op: "in", field, values: this.values() };
      const below = !this.take("alone");
      return { op: "in_teams", field, teams: this.values().map(String), below };
    }
    if (this.take("between")) return this.between(field);
    for (const op of ["contains", "starts"] as const) {
      if (this.take(op)) return { op, field, value: this.text() };
    }
    if (this.take("is")) {
      const negated = this.take("not");
      this.expect("empty");
      const empty: Tree = { op: "is_empty", field };
      return negated ? { op: "not", of: empty } : empty;
    }
    return this.fail("expected =, !=, <, <=, >, >=, in, between, contains, starts or is");
  }

  private between(field: string): Range {
    const lower = this.take("[") ? "gte" : "gt";
    if (lower === "gt") this.expect("(");
    const first = this.bound();
    this.expect(",");
    const last = this.bound();
    const upper = this.take("]") ? "lte" : "lt";
    if (upper === "lt") this.expect(")");
    return { op: "range", field, [lower]: first, [upper]: last };
  }

  private bound(): string | number {
    const value = this.value();
    return typeof value === "boolean" ? String(value) : value;
  }

  private values(): Scalar[] {
    this.expect("(");
    const values = [this.value()];
    while (this.take(",")) values.push(this.value());
    this.expect(")");
    return values;
  }

  private logged(): Logged {
    this.expect("(");
    const node: Record<string, unknown> = { op: "log" };
    while (!this.take(")")) {
      if (Object.keys(node).length > 1) this.expect(",");
      const name = this.name();
      if (name in node) this.fail(`expected ${name} only once`);
      this.expect("=");
      node[name] = this.is("(") ? this.values() : this.value();
    }
    return node as unknown as Logged;
  }

  /** What can only be a text needs no quotes to keep its digits from being a number. */
  private text(): string {
    const { kind, token } = this;
    const value = this.value();
    return kind === "quoted" ? String(value) : token;
  }

  private value(): Scalar {
    const { kind, token } = this;
    if (kind !== "bare" && kind !== "quoted") return this.fail("expected a value");
    if (kind === "quoted" || token === "true" || token === "false" || NUMBER.test(token)) {
      let value: Scalar;
      try {
        value = JSON.parse(token) as Scalar;
      } catch {
        return this.fail("expected a text in quotes as in JSON");
      }
      this.advance();
      return value;
    }
    if (WORDS.has(token)) this.fail("expected a value (a word of the language needs quotes)");
    this.advance();
    return token;
  }
}
