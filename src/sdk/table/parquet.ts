/** A table as Parquet, a row group at a time. */
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { Decimal } from "../../wire/block/decimal.ts";
import { jsonText } from "../../wire/block/json.ts";
import type { Rows } from "./cells.ts";
import { type Cell, type Column, type ColumnType, textOf, unscaled } from "./columns.ts";

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]["schema"][number];

/** A row group ends with so many rows, or characters of texts. */
const groupMaxRows = 122_880;
const groupMaxCharacters = 64 * 1024 * 1024;

export async function* parquetBytes(
  rows: Rows,
  columns: readonly Column[],
): AsyncGenerator<Uint8Array, void> {
  const bytes = new DrainedWriter();
  const schema: SchemaElement[] = [
    { name: "root", num_children: columns.length },
    ...columns.map(elementOf),
  ];
  const writer = new ParquetWriter({ writer: bytes, schema, createdBy: "tequio" });
  let group = new RowGroup(columns);
  for await (const some of rows) {
    for (const row of some) {
      group.add(row);
      if (group.rows < groupMaxRows && group.characters < groupMaxCharacters) continue;
      await group.write(writer);
      yield bytes.drain();
      group = new RowGroup(columns);
    }
  }
  if (group.rows > 0) await group.write(writer);
  for (const [i, { type }] of columns.entries()) {
    if (type.kind === "json") schema[i + 1]!.converted_type = "JSON";
  }
  await writer.finish();
  yield bytes.drain();
}

/** Its bytes are taken while the file is written; its offsets go on. */
class DrainedWriter extends ByteWriter {
  drain(): Uint8Array {
    const bytes = this.getBytes().slice();
    this.index = 0;
    return bytes;
  }
}

class RowGroup {
  rows = 0;
  characters = 0;
  readonly #columns: readonly Column[];
  readonly #cells: unknown[][];

  constructor(columns: readonly Column[]) {
    this.#columns = columns;
    this.#cells = columns.map(() => []);
  }

  add(row: ReadonlyMap<string, Cell>): void {
    for (const [i, { name, type }] of this.#columns.entries()) {
      const value = writable(row.get(name) ?? null, type);
      if (typeof value === "string") this.characters += value.length;
      this.#cells[i]!.push(value);
    }
    this.rows++;
  }

  async write(writer: ParquetWriter): Promise<void> {
    const columnData = this.#columns.map(({ name }, i) => ({ name, data: this.#cells[i]! }));
    await writer.write({ columnData, rowGroupSize: this.rows });
  }
}

function elementOf({ name, type }: Column): SchemaElement {
  const common = { name, repetition_type: "OPTIONAL" } as const;
  switch (type.kind) {
    case "boolean":
      return { ...common, type: "BOOLEAN" };
    case "int64":
      return { ...common, type: "INT64" };
    case "double":
      return { ...common, type: "DOUBLE" };
    case "text":
      return { ...common, type: "BYTE_ARRAY", converted_type: "UTF8" };
    case "json":
      // A text while values are written: of JSON the writer would take parsed values, whose numbers
      // have lost digits.
      return { ...common, type: "BYTE_ARRAY", converted_type: "UTF8" };
    case "decimal": {
      const { precision, scale } = type;
      const decimal = { type_length: 16, converted_type: "DECIMAL", precision, scale } as const;
      return { ...common, type: "FIXED_LEN_BYTE_ARRAY", ...decimal };
    }
  }
}

/** A cell as the library writes it in a column of this type. */
function writable(cell: Cell, type: ColumnType): unknown {
  if (cell === null) return null;
  switch (type.kind) {
    case "boolean":
      return cell;
    case "int64":
      return BigInt(`${cell as number | Decimal}`);
    case "double":
      return Number(`${cell as number | Decimal}`);
    case "decimal":
      return unscaled(cell as number | Decimal, type.scale);
    case "text":
      return textOf(cell);
    case "json":
      return jsonText(cell, "the result");
  }
}
