/** The program that makes the frames of a sort of CSV: of each row its key and its line. */
import type { OperatorSpec, SortSpec } from "../../wire/block/plan.ts";
import type { Frame } from "../kernels/groups/program.ts";
import { type WantedRows, wantedByProgram } from "./groups/group-by.ts";
import { NotCompiled, Registers } from "./query/registers.ts";

/** Null when functions make them. */
export function framingOf({ inputs, output }: OperatorSpec, sort: SortSpec): WantedRows | null {
  const format = inputs.default;
  if (format?.format !== "csv" || (output !== "csv" && output !== "ndjson")) return null;
  const columns = format.pick ?? format.columns ?? [];
  const { by, numeric } = sort;
  if (columns.length === 0 || by.length === 0) return null;
  const registers = new Registers(columns, { cellsAreTexts: true, emptyIsNull: false });
  try {
    const frame: Frame = {
      keys: by.map((column) => {
        const value = registers.load(column);
        return (numeric ? registers.number(value) : value).register;
      }),
      columns: columns.map((column) => {
        const name = registers.addText(JSON.stringify(column));
        return [registers.column(column), ...name];
      }),
      isCsv: output === "csv",
      isUnique: sort.unique,
    };
    return wantedByProgram(registers.program({ frame }));
  } catch (error) {
    if (error instanceof NotCompiled) return null;
    throw error;
  }
}
