/** A table as CSV (RFC 4180), with a header. Null is an empty cell, the empty text `""`. */
import { halfCharacter } from "../../wire/block/refusal.ts";
import { csvCell } from "../../wire/block/row.ts";
import type { Rows } from "./cells.ts";
import type { Column } from "./columns.ts";

export async function* csvBytes(
  rows: Rows,
  columns: () => Promise<readonly Column[]>,
): AsyncGenerator<Uint8Array, void> {
  const names = (await columns()).map(({ name }) => name);
  if (names.length === 0) return;
  yield bytesOf(lineOf(names));
  for await (const some of rows) {
    let text = "";
    for (const row of some) text += lineOf(names.map((name) => row.get(name) ?? null));
    yield bytesOf(text);
  }
}

function lineOf(cells: readonly unknown[]): string {
  return `${cells.map((cell) => csvCell(cell, "the result")).join(",")}\n`;
}

/** JSON escapes lone surrogates; CSV has no way to say them. */
function bytesOf(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text);
  throw halfCharacter();
}
