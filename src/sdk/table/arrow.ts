/** A table as an Arrow file (IPC, also called Feather), a record batch at a time. */
import { loadOnce } from "../../link/load-once.ts";
import type { Decimal } from "../../wire/block/decimal.ts";
import type { Rows } from "./cells.ts";
import { type Cell, type Column, type ColumnType, textOf, unscaled } from "./columns.ts";

type Arrow = typeof import("apache-arrow");

const batchMaxRows = 65_536;

/** apache-arrow is an optional package. */
const loadArrow = loadOnce(
  () => import("apache-arrow"),
  () => "Arrow files need the package apache-arrow: `npm install apache-arrow@21`",
);

export async function* arrowBytes(
  rows: Rows,
  columns: readonly Column[],
): AsyncGenerator<Uint8Array, void> {
  const arrow = await loadArrow();
  const schema = new arrow.Schema(
    columns.map(({ name, type }) => new arrow.Field(name, typeOf(arrow, type), true)),
  );
  const writer = arrow.RecordBatchFileWriter.writeAll(batches(arrow, schema, rows, columns));
  for await (const chunk of await writer) yield chunk;
}

async function* batches(
  arrow: Arrow,
  schema: InstanceType<Arrow["Schema"]>,
  rows: Rows,
  columns: readonly Column[],
) {
  let cells: Cell[][] = columns.map(() => []);
  let count = 0;
  const batch = () => {
    const children = columns.map(({ type }, i) => {
      const values = cells[i]!.map((cell) => writable(cell, type));
      return arrow.vectorFromArray(values, typeOf(arrow, type)).data[0]!;
    });
    const type = new arrow.Struct(schema.fields);
    const data = arrow.makeData({ type, length: count, nullCount: 0, children });
    return new arrow.RecordBatch(schema, data);
  };
  for await (const some of rows) {
    for (const row of some) {
      for (const [i, { name }] of columns.entries()) cells[i]!.push(row.get(name) ?? null);
      count++;
      if (count < batchMaxRows) continue;
      yield batch();
      cells = columns.map(() => []);
      count = 0;
    }
  }
  yield batch();
}

function typeOf(arrow: Arrow, type: ColumnType) {
  switch (type.kind) {
    case "boolean":
      return new arrow.Bool();
    case "int64":
      return new arrow.Int64();
    case "double":
      return new arrow.Float64();
    case "text":
    case "json":
      return new arrow.Utf8();
    case "decimal":
      return new arrow.Decimal(type.scale, type.precision, 128);
  }
}

function writable(cell: Cell, type: ColumnType): unknown {
  if (cell === null || type.kind === "boolean") return cell;
  const number = cell as number | Decimal;
  switch (type.kind) {
    case "int64":
      return BigInt(`${number}`);
    case "double":
      return Number(`${number}`);
    case "decimal":
      return words128(unscaled(number, type.scale));
    default:
      return textOf(cell);
  }
}

/** Two's complement of 128 bits, the lowest word first. */
function words128(value: bigint): Uint32Array {
  return Uint32Array.from({ length: 4 }, (_, i) =>
    Number(BigInt.asUintN(32, value >> BigInt(32 * i))),
  );
}
