/** The judge of a list of tasks: each item in its turn. */
import { ClusterError } from "../../core/error.ts";
import { harmless } from "../../core/thrown.ts";
import type { Owner } from "../../environment/strays.ts";
import { resultText } from "../../wire/block/result.ts";
import type { OutputFormat } from "../../wire/block/row.ts";
import type { JobResult } from "../collect.ts";
import type { AnyTasks, Params } from "../job.ts";
import type { Attempts } from "./attempt.ts";
import { failure } from "./failure.ts";
import { partOf } from "./parts.ts";
import { asJson, rowLine } from "./rows.ts";

type Items = {
  readonly lines: readonly string[];
  /** The number of the one that is run; null = all. */
  readonly only: number | null;
  readonly params: Params;
};

export async function runTasks(
  job: AnyTasks,
  { lines, only, params }: Items,
  attempts: Attempts,
): Promise<JobResult> {
  const format = job.options.output ?? "ndjson";
  const rows: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (only !== null && index !== only) continue;
    const run = async (owner: Owner) => {
      const item: unknown = JSON.parse(line);
      const value = await owner.orStray(job.options.run(item, { params, index }));
      return rowOf(format, index, value);
    };
    try {
      rows.push(await attempts.run({ stage: "run", task: index }, run));
    } catch (caught) {
      const error = harmless(caught);
      throw error instanceof Unusable ? error.cause : failure("run", error, `item ${index}`);
    }
  }
  return { kind: "results", format, parts: [partOf(rows)], badRecords: [] };
}

/** Of what `run` has returned. Reading it may call job code: a getter, a proxy. */
function rowOf(format: OutputFormat, index: number, value: unknown): string {
  try {
    resultText(index, value);
  } catch (thrown) {
    throw harmless(thrown) instanceof ClusterError ? new Unusable("", { cause: thrown }) : thrown;
  }
  if (format !== "text") return `${asJson(value, "run")}\n`;
  return rowLine(format, index, value, "run");
}

/** The result itself: it says which item it is of. */
class Unusable extends Error {}
