/** `join`: rows of two sources that agree in a column, side by side. */
import { ClusterError } from "../../core/error.ts";
import type { JoinSpec } from "../../wire/block/plan.ts";

export type JoinKind = JoinSpec["kind"];

/** The column by which rows are joined: of one name in both, or of two. Rows in which it is null
 *  agree with none. */
export type JoinOn<L extends string, R extends string> =
  | (L & R)
  | { readonly left: L; readonly right: R };

export type JoinSettings<
  L extends string,
  R extends string,
  On extends JoinOn<L, R> = JoinOn<L, R>,
  Kind extends JoinKind = JoinKind,
> = {
  /** The column of that name in both, or one of each. */
  readonly on: On;
  /** Which rows without a partner are kept, with null in its place: none (`inner`, the default),
   *  those of the left, those of the right, or all (`outer`). */
  readonly kind?: Kind;
};

const kinds: readonly JoinKind[] = ["inner", "left", "right", "outer"];

type Columns = { readonly left: readonly string[]; readonly right: readonly string[] };

export function joinSpec<L extends string, R extends string>(
  { on, kind = "inner" }: JoinSettings<L, R>,
  columns: Columns,
): JoinSpec {
  const of = typeof on === "string" ? { left: on, right: on } : { left: on.left, right: on.right };
  for (const side of ["left", "right"] as const) {
    if (columns[side].includes(of[side])) continue;
    const has = columns[side].join(", ");
    const text = `join: the ${side} has no column ${JSON.stringify(of[side])}; it has ${has}`;
    throw new ClusterError("bad-request", text);
  }
  if (!kinds.includes(kind)) {
    const text = `join: the kind is ${JSON.stringify(kind)}; it must be one of ${kinds.join(", ")}`;
    throw new ClusterError("bad-request", text);
  }
  return { operator: "join", on: of, kind };
}
