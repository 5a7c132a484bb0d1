/** The input of an operator: the format as data, read as operators need it. */
import type { FormatSpec } from "../../wire/block/plan.ts";

/** A copy without what a source adds. Text must be UTF-8 unless the source names another encoding,
 *  since keys that are not would become the same. Numbers of JSON keep their digits, which job
 *  code, that expects doubles, could not use. */
export function operatorInput(format: FormatSpec): FormatSpec {
  switch (format.format) {
    case "json":
      return { encoding: "utf-8", ...format, exact: true };
    case "csv":
    case "lines":
    case "match":
    case "words":
      return { encoding: "utf-8", ...format };
    default:
      return { ...format };
  }
}
