/** The input of an operator: the format as data, read as operators need it. */
import type { FormatSpec } from "../../wire/block/plan.ts";

/** A copy without what a source adds. Numbers of JSON keep their digits, which job code, that
 *  expects doubles, could not use. */
export function operatorInput(format: FormatSpec): FormatSpec {
  return format.format === "json" ? { ...format, exact: true } : { ...format };
}
