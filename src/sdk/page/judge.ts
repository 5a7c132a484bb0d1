/** The sequential judge in a Worker of the Try page: a small job on a sample, the way a cluster
 *  would
 *  run it. Built for the page by `scripts/web/try-code.ts`. */
import { ClusterError } from "../../core/error.ts";
import type { Plan } from "../../wire/block/plan.ts";
import type { TrialAnswer, TrialOrder } from "../../wire/browser/trial.ts";
import { bytes, csv, ndjson, text } from "../format.ts";
import { type Job, mapReduce, tasks } from "../job.ts";
import { runLocal } from "../local.ts";
import { listItems } from "../plan/items.ts";
import type { Planned } from "../plan.ts";
import { count, log } from "../runtime.ts";

type Scope = { onmessage: ((event: MessageEvent) => void) | null };
const scope = globalThis as unknown as Scope;

const logsMax = 1_000;
const spillBytes = 64 * 1024 * 1024;
const inputName = "sample.txt";

scope.onmessage = ({ data, ports: [port] }) => {
  scope.onmessage = null;
  void judged(data as TrialOrder).then((answer) => port?.postMessage(answer));
};

async function judged(order: TrialOrder): Promise<TrialAnswer> {
  const logs: string[] = [];
  const startedMs = performance.now();
  const took = () => ({ logs, tookMs: performance.now() - startedMs });
  const onLog = (line: string) => void (logs.length < logsMax && logs.push(line));
  try {
    const job = loaded(order.code);
    const { counters, result } = await runLocal(job, planned(job, order.input), { onLog });
    const decoder = new TextDecoder();
    let shown = "";
    for (const part of result.parts)
      for await (const piece of part.read()) shown += decoder.decode(piece);
    return { ...took(), kind: "done", text: shown, format: result.format, counters };
  } catch (error) {
    const message = error instanceof ClusterError ? error.text : String(error);
    return { ...took(), kind: "failed", message };
  }
}

/** A module that requires only the SDK. */
function loaded(code: string): Job {
  const sdk = { bytes, count, csv, log, mapReduce, ndjson, tasks, text };
  const module: { exports: { default?: Job } } = { exports: {} };
  const require = (name: string) => {
    if (name === "tequio") return sdk;
    throw new ClusterError("build-failed", `only "tequio" can be imported here, not "${name}"`);
  };
  new Function("module", "exports", "require", code)(module, module.exports, require);
  const job = module.exports.default;
  if (job?.kind !== undefined) return job;
  throw new ClusterError("build-failed", "the job is what the file exports as default");
}

/** One file, one split, one partition: nothing here needs more. */
function planned(job: Job, input: string): Planned {
  const params = job.options.params ?? {};
  const common = { version: 1, params, spillBytes, files: [], splits: [], reducers: 0 } as const;
  const remove = async () => {};
  if (job.kind === "tasks") {
    const { count, upload } = listItems(job, params);
    const plan: Plan = { ...common, items: { hash: upload.hash, count } };
    return { plan, inputBytes: 0, uploads: [upload], remove };
  }
  const content = new TextEncoder().encode(input);
  const hash = "0".repeat(64);
  const sizeBytes = content.length;
  const at = { kind: "blob", hash } as const;
  const plan: Plan = {
    ...common,
    items: null,
    files: [{ name: inputName, compression: "none", sizeBytes, at }],
    splits: [{ input: inputOf(job), pieces: [[0, 0, sizeBytes]] }],
    reducers: job.kind === "map-reduce" && job.options.reducers === 0 ? 0 : 1,
    ...operatorOf(job),
  };
  const upload = { hash, sizeBytes, at: { kind: "bytes", bytes: content } } as const;
  return { plan, inputBytes: sizeBytes, uploads: [upload], remove };
}

function inputOf(job: Exclude<Job, { kind: "tasks" }>): string {
  const names = Object.keys(job.kind === "operator" ? job.operator.inputs : job.inputs);
  if (names.length === 1) return names[0] as string;
  throw new ClusterError("bad-request", "here a job has one input; run this one with `tequio run`");
}

function operatorOf(job: Exclude<Job, { kind: "tasks" }>): Pick<Plan, "operator"> {
  if (job.kind !== "operator") return {};
  const { operator } = job;
  const { apply } = operator;
  // All in one partition: nothing to cut between.
  return apply.operator === "sort"
    ? { operator: { ...operator, apply: { ...apply, splitters: [] } } }
    : { operator };
}
