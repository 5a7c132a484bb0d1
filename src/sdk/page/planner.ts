/** What a job of the Try page needs, and its plan for the cluster: the very plan that `tequio run`
 *  makes of the same job and inputs. */
import { createHash } from "node:crypto";
import { ClusterError } from "../../core/error.ts";
import type { GivenFile, Looked, PageWish, PlannedJob } from "../../wire/browser/trial.ts";
import { operatorCode } from "../build/operator-code.ts";
import type { Job } from "../job.ts";
import { compressionOf, contentAt, type FoundFile } from "../plan/found.ts";
import { planBlob, planFound } from "../plan/of-found.ts";
import { formatsOf } from "../plan/operator.ts";
import { jobSpecOf } from "../plan/spec.ts";
import { giveFile } from "./files.ts";
import { unpackStart } from "./unpack-start.ts";

type Wish = Extract<PageWish, { kind: "plan" }>;

/** No file has a path here, so there is no machine where it lies. */
export const settings = { params: {}, host: "", unpackStart };

export function inputsOf(job: Job): string[] {
  return job.kind === "tasks" ? [] : Object.keys(formatsOf(job));
}

export function lookAt(job: Job): Looked {
  const { name = "", params = {} } = job.options;
  return { kind: "looked", name, inputs: inputsOf(job), params };
}

export async function planHere(job: Job, code: Uint8Array, wish: Wish): Promise<PlannedJob> {
  const { files, name, params } = wish;
  for (const input of inputsOf(job)) {
    if (files.some((file) => file.input === input)) continue;
    throw new ClusterError("bad-request", `nothing was chosen for the input "${input}"`);
  }
  const planned = await planFound(job, files.map(found), { ...settings, params });
  const plan = planBlob(planned.plan);
  const own = blobOf(job.kind === "operator" ? Buffer.from(operatorCode) : code);
  const spec = jobSpecOf(job, planned, { name, codeHash: own.hash, planHash: plan.hash });
  const items = planned.uploads.flatMap(({ at, hash }) =>
    at.kind === "bytes" ? [{ hash, bytes: at.bytes }] : [],
  );
  return { kind: "planned", spec, blobs: [own, plan, ...items] };
}

function blobOf(bytes: Uint8Array) {
  return { bytes, hash: createHash("sha256").update(bytes).digest("hex") };
}

function found({ at: given, input, name, sizeBytes }: GivenFile, index: number): FoundFile {
  const file = { input, name, sizeBytes, compression: compressionOf(name) };
  if (given.kind === "shared") return { ...file, at: given };
  const path = `/given/${index}`;
  giveFile(path, given.content as Blob);
  const content = contentAt(path);
  const { hash } = given;
  const upload = { hash, sizeBytes, at: { kind: "path", path } } as const;
  return { ...file, content, at: { kind: "upload", upload } };
}
