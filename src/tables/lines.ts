/** Rows of tables as lines of JSON, which is how tasks read them: written column by column, each
 *  cell by what its column is. */
import { ClusterError } from "../core/error.ts";
import { decimalParts, decimalText } from "../wire/block/decimal.ts";

/** A column of some rows that belong together. */
export type CellColumn = {
  readonly name: string;
  /** The cell of a row, from 0, as JSON. */
  readonly cell: (row: number) => string;
};

/** A text of lines has about so many characters. */
const textCharacters = 256 * 1024;

/** `isNested`: dots in names lead into objects, as paths do. */
export function* jsonLines(
  columns: readonly CellColumn[],
  rows: number,
  isNested: boolean,
): Generator<string, void> {
  const { literals, order } = layout(
    columns.map(({ name }) => name),
    isNested,
  );
  const cells = order.map((i) => (columns[i] as CellColumn).cell);
  let text = "";
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < cells.length; i++) {
      text += literals[i] as string;
      text += (cells[i] as CellColumn["cell"])(row);
    }
    text += literals[cells.length] as string;
    if (text.length < textCharacters) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}

/** What stands before each cell and behind the last, and the columns in that order. */
type Layout = { readonly literals: readonly string[]; readonly order: readonly number[] };
type Tree = Map<string, Tree | number>;

function layout(names: readonly string[], isNested: boolean): Layout {
  const root: Tree = new Map();
  for (const [i, name] of names.entries()) put(root, isNested ? name.split(".") : [name], i);
  const literals: string[] = [];
  const order: number[] = [];
  let text = "";
  const write = (tree: Tree): void => {
    text += "{";
    let isFirst = true;
    for (const [name, inner] of tree) {
      text += `${isFirst ? "" : ","}${JSON.stringify(name)}:`;
      isFirst = false;
      if (typeof inner !== "number") write(inner);
      else {
        literals.push(text);
        order.push(inner);
        text = "";
      }
    }
    text += "}";
  };
  write(root);
  literals.push(`${text}\n`);
  return { literals, order };
}

function put(tree: Tree, [name = "", ...rest]: readonly string[], column: number): void {
  const there = tree.get(name);
  if (rest.length === 0) {
    if (there === undefined) tree.set(name, column);
    return;
  }
  // A column that is itself an object keeps the name.
  if (typeof there === "number") return;
  const inner: Tree = there ?? new Map();
  tree.set(name, inner);
  put(inner, rest, column);
}

/** The columns of a table that paths lead to: one of that very name, else the one that holds it.
 *  Null: all. Throws `bad-request` for a path that leads to none. */
export function columnsAt(
  paths: readonly string[] | null,
  names: readonly string[],
  file: string,
): readonly string[] {
  if (paths === null) return names;
  const known = new Set(names);
  const found = paths.map((path) => {
    for (let end = path.length; end > 0; end = path.lastIndexOf(".", end - 1)) {
      if (known.has(path.slice(0, end))) return path.slice(0, end);
    }
    const text = `${file} has no column ${JSON.stringify(path)}`;
    const all = names.slice(0, 100).map((name) => JSON.stringify(name));
    throw new ClusterError("bad-request", `${text}; it has: ${all.join(", ")}`);
  });
  return [...new Set(found)];
}

/** In browsers and Node; declared by neither's types here. */
const { TextDecoder } = globalThis as unknown as {
  readonly TextDecoder: new (
    label: string,
    options: { fatal: boolean; ignoreBOM: boolean },
  ) => { decode(bytes: Uint8Array): string };
};
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lossyDecoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/** Throws for other bytes: keys that are not texts would become the same. */
export function utf8Text(bytes: Uint8Array, column = "a column"): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const text = `${column} has bytes that are not UTF-8; leave it out, by naming the others`;
    throw new Error(text, { cause });
  }
}

/** With U+FFFD where bytes are not UTF-8. */
export function lossyText(bytes: Uint8Array): string {
  return lossyDecoder.decode(bytes);
}

/** `units` × 10^−`scale`, with all digits, as JSON. */
export function scaledText(units: bigint, scale: number): string {
  const parts = decimalParts(`${units}e${-scale}`);
  return parts === null ? "null" : decimalText(parts);
}

/** The shortest number that is this one of 32 bits: 0.1, not 0.10000000149011612. */
export function singleText(value: number): string {
  if (!Number.isFinite(value)) return "null";
  for (let digits = 6; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return `${Number(text)}`;
  }
  return `${Number(value.toPrecision(9))}`;
}

/** Days since 1970 as `2024-12-31`. */
export function dayText(days: number): string {
  return isoText(days * 86_400_000).slice(0, -14);
}

/** `2024-12-31T23:59:59.5Z`, with as many decimals as it needs. `decimals`: of the unit of `value`,
 *  3 = milliseconds. `zone`: "Z", or "" of a time that is of no zone. */
export function timeText(value: bigint, decimals: number, zone: "Z" | ""): string {
  const { fraction, seconds } = parted(value, decimals);
  return isoText(Number(seconds) * 1000).slice(0, -5) + fraction + zone;
}

/** `23:59:59.5` of a time of day. */
export function clockText(value: bigint, decimals: number): string {
  const { fraction, seconds } = parted(value, decimals);
  return isoText(Number(seconds) * 1000).slice(-13, -5) + fraction;
}

function parted(value: bigint, decimals: number): { seconds: bigint; fraction: string } {
  const unit = 10n ** BigInt(decimals);
  const rest = ((value % unit) + unit) % unit;
  const fraction = `${rest}`.padStart(decimals, "0").replace(/0+$/, "");
  return { seconds: (value - rest) / unit, fraction: rest === 0n ? "" : `.${fraction}` };
}

function isoText(ms: number): string {
  const date = new Date(ms);
  if (!Number.isNaN(date.getTime())) return date.toISOString();
  throw new Error("a date is outside the years that can be written");
}
