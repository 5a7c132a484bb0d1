/** What there is instead of a method that a job file calls and that does not exist. */
import { Cell } from "../operators/query/cell.ts";
import { Table, TableGroups } from "../operators/query/table.ts";
import { Groups, Operators, Pairs } from "../operators/source.ts";
import { didYouMean } from "../plan/near.ts";

const kinds = {
  sources: [Operators],
  groups: [Groups, TableGroups],
  tables: [Table],
  pairs: [Pairs],
} as const;

/** "" when the error is another one. V8 writes `text.csv(...).summ is not a function`. */
export function methodHint(thrown: unknown): string {
  if (!(thrown instanceof TypeError)) return "";
  const [, of = "", name = ""] = /^(.*)\.(\w+) is not a function$/s.exec(thrown.message) ?? [];
  const isChain = /^(text|bytes)\b|\(\.\.\.\)$|^\(intermediate value\)/.test(of);
  if (name === "" || !isChain) return name === "" ? "" : didYouMean(name, methodsOf(Cell));
  const all = Object.entries(kinds).map(([kind, classes]) => {
    const names = new Set(classes.flatMap(methodsOf));
    return `${kind} have ${[...names].sort().join(", ")}`;
  });
  const known = Object.values(kinds).flatMap((classes) => classes.flatMap(methodsOf));
  return `;${didYouMean(name, known)} ${all.join("; ")}`;
}

function methodsOf({ prototype }: { readonly prototype: object }): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([name, { value }]) => name !== "constructor" && typeof value === "function")
    .map(([name]) => name);
}
