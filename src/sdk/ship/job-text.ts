/** The text of a job that a program has made, wherever its functions come from. */
import { jsonText } from "../../wire/block/json.ts";
import type { AnyMapReduce, AnyTasks, Job, Params } from "../job.ts";
import type { AnyFunction } from "./locate.ts";

export type CallSettings = {
  /** What the function reads as `context.params`. */
  readonly params: Params;
  /** Limit of one task, ms; default 0 = none. */
  readonly timeoutMs?: number;
};

/** Calls of a function, as a list of tasks that is planned by its lines. */
export function jobOfCalls(settings: CallSettings): AnyTasks {
  const run = () => null;
  // What a function throws is final, so that what else ends a task would end it again.
  return { kind: "tasks", options: { ...settings, items: [], run, attempts: 1 } };
}

/** An expression for the function, which messages call `role`. */
type TextOf = (code: AnyFunction, role: string) => string | Promise<string>;

/** An expression of the job. Throws what `textOf` throws. */
export function jobText(job: Exclude<Job, { kind: "operator" }>, textOf: TextOf): Promise<string> {
  return job.kind === "tasks" ? tasksText(job, textOf) : pairsText(job, textOf);
}

/** Its items are in the plan. */
async function tasksText({ options }: AnyTasks, textOf: TextOf): Promise<string> {
  const { items: _, run, ...rest } = options;
  const code = await textOf(run, "run");
  return `{ kind: "tasks", options: { ...${plainText(rest)}, items: [], run: ${code} } }`;
}

async function pairsText({ inputs, options }: AnyMapReduce, textOf: TextOf): Promise<string> {
  const named: string[] = [];
  for (const [name, { input, map }] of Object.entries(inputs)) {
    const code = await textOf(map, name === "default" ? "map" : `${name}.map`);
    const format = input === undefined ? "" : `input: ${plainText({ ...input })}, `;
    named.push(`${JSON.stringify(name)}: { ${format}map: ${code} }`);
  }
  const parts: string[] = [];
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (typeof value !== "function") rest[name] = value;
    else parts.push(`${name}: ${await textOf(value as AnyFunction, name)}`);
  }
  const all = [`...${plainText(rest)}`, ...parts].join(", ");
  return `{ kind: "map-reduce", inputs: { ${named.join(", ")} }, options: { ${all} } }`;
}

/** Options that are values; those that are undefined are left out. */
function plainText(options: object): string {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return jsonText(Object.fromEntries(given), "the job's options");
}
