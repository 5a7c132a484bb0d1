/** What people see of a plan: the inputs of its job by name, and what an operator does. Plans
 *  come from submitters: what is not as it should be is left out, never an error. */
import { graphLimits } from "../../wire/api/graph.ts";
import { operatorSteps } from "../../wire/block/explained.ts";
import type { InputFile, OperatorSpec } from "../../wire/block/plan.ts";

export type PlannedInput = {
  readonly name: string;
  readonly files: number;
  readonly sizeBytes: number;
  /** Splits: tasks of the first stage. */
  readonly tasks: number;
};

/** In the order of the splits; those behind the last that has a node are one with it. */
export function plannedInputs(
  splits: readonly unknown[],
  files: readonly Pick<InputFile, "sizeBytes">[],
): PlannedInput[] {
  const found = new Map<string, { files: Set<number>; sizeBytes: number; tasks: number }>();
  for (const split of splits) {
    const { input, pieces } = (split ?? {}) as { input?: unknown; pieces?: unknown };
    let name = typeof input === "string" ? input.slice(0, graphLimits.text) : "";
    if (!found.has(name) && found.size === graphLimits.inputs)
      name = [...found.keys()].at(-1) ?? "";
    const one = found.get(name) ?? { files: new Set<number>(), sizeBytes: 0, tasks: 0 };
    found.set(name, one);
    one.tasks++;
    for (const piece of Array.isArray(pieces) ? pieces : []) {
      const [file, start, end] = Array.isArray(piece) ? (piece as unknown[]) : [];
      if (typeof file !== "number" || files[file] === undefined) continue;
      one.files.add(file);
      one.sizeBytes += Math.max(0, Number(end) - Number(start)) || 0;
    }
  }
  return [...found].map(([name, one]) => ({ ...one, name, files: one.files.size }));
}

/** By stage; empty when the job's own code does it. */
export function plannedSteps(operator: unknown, inOne: boolean): string[][] {
  if (operator === undefined || operator === null) return [];
  try {
    const stages = operatorSteps(operator as OperatorSpec, inOne);
    return stages.map((steps) => steps.slice(0, graphLimits.steps).map(cut));
  } catch {
    return [];
  }
}

function cut(text: string): string {
  return text.length <= graphLimits.text ? text : `${text.slice(0, graphLimits.text - 1)}…`;
}
