/** What the lines of a job's result are, for the client that makes a table of them. */
import type { OutputFormat, RowShape } from "../../core/job.ts";
import type { FormatSpec, OperatorSpec } from "../../wire/block/plan.ts";
import { columnsAfter } from "../../wire/block/query.ts";
import type { Job } from "../job.ts";

/** As the job says. `rows` makes objects of lines with a key and a value. */
export function outputOf({ options }: Job): OutputFormat {
  const { output = "ndjson", rows = false } = options;
  return rows && output === "ndjson" ? "rows" : output;
}

/** Null when the parts are in the job's format already, and their lines are pairs or CSV. `items`:
 *  the blob of a list of tasks. */
export function shapeOf(job: Job, items: string | null): RowShape | null {
  const output = outputOf(job);
  if (job.kind === "tasks") return { of: "tasks", ...(items === null ? {} : { items }) };
  if (output === "bytes") return null;
  if (output === "text") return job.kind === "operator" ? textShape(job.operator) : null;
  return job.kind === "operator" ? operatorShape(job.operator) : { of: "pairs" };
}

/** Of lines of text that are no pairs. */
function textShape(operator: OperatorSpec): RowShape | null {
  if (operator.apply.operator === "sort") return { of: "lines" };
  return operator.apply.operator === "query" ? operatorShape(operator) : null;
}

function operatorShape({ apply, inputs, output }: OperatorSpec): RowShape | null {
  const { default: format, left, right } = inputs;
  switch (apply.operator) {
    case "query": {
      // Tasks write CSV themselves, since they know the columns.
      if (output === "csv") return null;
      const { columns, steps } = apply;
      return { of: "rows", columns: steps.reduce((all, step) => columnsAfter(step, all), columns) };
    }
    case "sort":
      return output === "csv" ? null : { of: "rows", columns: formatColumns(format) };
    case "join": {
      const key = apply.on.left;
      const of = (side: string, from: FormatSpec | undefined) =>
        formatColumns(from).map((column) => `${side}.${column}`);
      const columns = [key, ...of("left", left), ...of("right", right)];
      return { of: "pairs", key: [key], columns };
    }
    default: {
      const value = freeName(apply.operator, apply.by);
      return { of: "pairs", key: apply.by, value, columns: [...apply.by, value] };
    }
  }
}

function freeName(wished: string, taken: readonly string[]): string {
  let name = wished;
  for (let n = 2; taken.includes(name); n++) name = `${wished}_${n}`;
  return name;
}

export function formatColumns(format: FormatSpec | undefined): readonly string[] {
  switch (format?.format) {
    case "csv":
      return format.pick ?? format.columns ?? [];
    case "match":
      return format.columns ?? ["match"];
    case "json":
      return format.paths;
    case "words":
      return ["word"];
    default:
      return ["line"];
  }
}
