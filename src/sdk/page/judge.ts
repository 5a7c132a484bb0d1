/** A small job on a sample, in one Worker, the way a cluster would run it. */
import { createHash } from "node:crypto";
import { ClusterError } from "../../core/error.ts";
import type { Tried } from "../../wire/browser/trial.ts";
import type { Job } from "../job.ts";
import { runLocal } from "../local.ts";
import type { FoundFile } from "../plan/found.ts";
import { planFound } from "../plan/of-found.ts";
import { inputsOf, settings } from "./planner.ts";

const inputName = "sample.txt";

export async function tryJob(
  job: Job,
  input: string,
  onLog: (line: string) => void,
): Promise<Tried> {
  // One partition: nothing here needs more.
  const reducers = job.kind === "tasks" || job.options.reducers === 0 ? {} : { reducers: 1 };
  const planned = await planFound(job, sampleOf(job, input), { ...settings, ...reducers });
  const { counters, result } = await runLocal(job, planned, { onLog });
  const decoder = new TextDecoder();
  let text = "";
  for (const part of result.parts) {
    for await (const piece of part.read()) text += decoder.decode(piece, { stream: true });
  }
  return { kind: "tried", text, format: result.format, counters };
}

function sampleOf(job: Job, text: string): FoundFile[] {
  const names = inputsOf(job);
  if (names.length > 1) {
    const has = `the job has ${names.length} inputs, and here is one sample`;
    throw new ClusterError("bad-request", `${has}; run it on the cluster, or with \`tequio run\``);
  }
  const bytes = Buffer.from(text);
  const sizeBytes = bytes.length;
  const hash = createHash("sha256").update(bytes).digest("hex");
  const upload = { hash, sizeBytes, at: { kind: "bytes", bytes } } as const;
  const at = { kind: "upload", upload } as const;
  return names.map((input) => ({ input, name: inputName, compression: "none", sizeBytes, at }));
}
