/** Sends a job of the editor to the coordinator: the chosen files, the plan that the sandbox has
 *  made of them, then the job. */
import type { SharedInput, Submitted } from "../../../wire/api/messages.ts";
import { planFrom } from "../../../wire/block/plan-text.ts";
import type { GivenFile, PageJob, PlannedJob } from "../../../wire/browser/trial.ts";
import { Sha256 } from "../../../worker/browser/node-shims/sha256.ts";
import { CallError, call, hasBlob, sendBlob } from "../../api/client.ts";
import { pause } from "../../api/connection.ts";
import { say } from "../../i18n/language.ts";
import { fileMaxBytes } from "../limits.ts";
import { ask } from "../sandboxed.ts";
import { submitMessages } from "./messages.ts";

/** What one input reads. */
export type Chosen =
  | { readonly kind: "files"; readonly files: readonly File[] }
  /** A file or a folder of the catalogue. */
  | { readonly kind: "shared"; readonly name: string };

export type Wanted = {
  readonly job: PageJob;
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
  readonly inputs: ReadonlyMap<string, Chosen>;
};

export type Progress = {
  readonly step: "reading" | "planning" | "sending" | "submitting";
  /** "" when the step is not about one file. */
  readonly file: string;
  /** 0 to 1. */
  readonly done: number;
};

export type Sending = {
  readonly signal: AbortSignal;
  readonly tell: (progress: Progress) => void;
};

/** Bytes that are hashed at a time: a few ms, then the page may render. */
const pieceBytes = 1024 * 1024;
const submitTries = 5;
const againMs = 1_000;

/** Resolves with the job's id, once it is durable. */
export async function sendJob(wanted: Wanted, sending: Sending): Promise<string> {
  const { signal, tell } = sending;
  const files: GivenFile[] = [];
  for (const [input, chosen] of wanted.inputs) {
    const given = chosen.kind === "shared" ? shared(chosen.name, signal) : own(chosen, sending);
    for (const file of await given) files.push({ input, ...file });
  }
  tell({ step: "planning", file: "", done: 0 });
  const planned = await plan(wanted, files);
  signal.throwIfAborted();
  for (const { at, name } of files) {
    if (at.kind !== "blob" || (await hasBlob(at.hash, signal))) continue;
    const told = (done: number) => tell({ step: "sending", file: name, done });
    told(0);
    await sendBlob({ hash: at.hash, content: at.content as Blob, told, signal });
  }
  tell({ step: "submitting", file: "", done: 0 });
  for (const { bytes, hash } of planned.blobs) {
    const content = new Blob([bytes as Uint8Array<ArrayBuffer>]);
    await sendBlob({ hash, content, told: () => {}, signal });
  }
  return submitted(planned, signal);
}

type Given = Omit<GivenFile, "input">;

async function shared(name: string, signal: AbortSignal): Promise<Given[]> {
  const path = `/v1/shared-inputs?name=${encodeURIComponent(name)}`;
  const { files } = await call<{ files: SharedInput[] }>(path, { signal });
  return files.map(({ host, name, root, sizeBytes }) => {
    return { name, sizeBytes, at: { kind: "shared", root, host } };
  });
}

async function own(
  { files }: Extract<Chosen, { kind: "files" }>,
  { signal, tell }: Sending,
): Promise<Given[]> {
  const given: Given[] = [];
  for (const file of files) {
    const { name, size } = file;
    if (size > fileMaxBytes)
      throw new CallError("limit-exceeded", say(submitMessages, "tooLarge", { name }));
    const hash = new Sha256();
    for (let at = 0; at < size; at += pieceBytes) {
      signal.throwIfAborted();
      tell({ step: "reading", file: name, done: at / size });
      hash.update(new Uint8Array(await file.slice(at, at + pieceBytes).arrayBuffer()));
    }
    const at = { kind: "blob", hash: hash.digest("hex"), content: file } as const;
    given.push({ name, sizeBytes: size, at });
  }
  return given;
}

async function plan(wanted: Wanted, files: readonly GivenFile[]): Promise<PlannedJob> {
  const { job, name, params } = wanted;
  const answer = await ask(job, { kind: "plan", name, params, files });
  if (answer?.kind === "failed") throw new CallError(answer.failure.code, answer.failure.message);
  if (answer?.kind !== "planned") {
    throw new CallError("user-error", say(submitMessages, "planLate"));
  }
  refuseOthers(answer, files);
  return answer;
}

type Where = { readonly kind: string; readonly hash?: string; readonly root?: string };

function placeOf({ hash, kind, root }: Where): string {
  return `${kind} ${kind === "blob" ? hash : root}`;
}

/** The plan comes from the Worker of job code: it may read the files that were chosen here, and no
 *  others that its submitter could name. */
export function refuseOthers({ blobs, spec }: PlannedJob, files: readonly GivenFile[]): void {
  const plan = blobs.find(({ hash }) => hash === spec.planHash);
  const read = planFrom(new TextDecoder().decode(plan?.bytes)) as {
    readonly files: ReadonlyArray<{ readonly at: Where }>;
  };
  const known = new Set(files.map(({ at }) => placeOf(at)));
  if (read.files.every(({ at }) => known.has(placeOf(at)))) return;
  throw new CallError("forbidden", say(submitMessages, "otherFiles"));
}

/** Submits once, even when it is retried: the idempotency key is the same. */
async function submitted({ spec }: PlannedJob, signal: AbortSignal): Promise<string> {
  const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
  for (let tries = 1; ; tries++) {
    try {
      const options = { method: "POST", json: { key, spec }, signal } as const;
      return (await call<Submitted>("/v1/jobs", options)).job;
    } catch (error) {
      const mayRetry = error instanceof CallError && error.code === "unavailable";
      if (!mayRetry || tries === submitTries) throw error;
    }
    await pause(againMs, signal);
  }
}
