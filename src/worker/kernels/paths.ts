/** Records of the formats that operators brought: matches of an expression, paths in JSON. */
import { Decimal } from "../../wire/block/decimal.ts";
import type { FormatSpec } from "../../wire/block/plan.ts";

type MatchFormat = Extract<FormatSpec, { format: "match" }>;
type Visit = (record: unknown) => void;

/** Calls `visit` with every match in a line. */
export function matchesOf(format: MatchFormat, visit: Visit): (line: string) => void {
  const expression = new RegExp(format.pattern, `${format.flags}g`);
  const { columns } = format;
  return (line) => {
    for (const found of line.matchAll(expression)) {
      if (columns === null) visit(found[0]);
      else visit(Object.fromEntries(columns.map((name, i) => [name, found[i + 1] ?? null])));
    }
  };
}

/** A path and the names of which it is made. */
export type Path = { readonly path: string; readonly names: readonly string[] };

export function pathsOf(paths: readonly string[]): readonly Path[] {
  return paths.map((path) => ({ path, names: path.split(".") }));
}

/** An object of what lies at the paths; null where nothing does. */
export function atPaths(value: unknown, paths: readonly Path[]): object {
  const record: Record<string, unknown> = {};
  for (const { path, names } of paths) record[path] = at(value, names);
  return record;
}

function at(value: unknown, names: readonly string[]): unknown {
  let found = value;
  for (const name of names) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return null;
    if (found instanceof Decimal) return null;
    if (Array.isArray(found) && name === "length") return null;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}
