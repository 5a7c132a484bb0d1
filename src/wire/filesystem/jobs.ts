/** Messages of workers, trackers and clients: how a job is submitted, its tasks handed out, and its
 *  end reported. All have one step.
 *
 *  Fields are read in the names of deployed programs; what the document leaves out has the place
 *  where clients put it. */
import { ClusterError } from "../../core/error.ts";
import type { Message } from "./codec.ts";
import {
  type Address,
  addressField,
  addressValue,
  flagField,
  hasField,
  textField,
  textsField,
} from "./fields.ts";
import { blockFilesMax } from "./limits.ts";
import { databaseUrl, fileNameOf, jobNameOf, jobOfDatabase } from "./names.ts";
import type { PyValue } from "./value.ts";

/** `state` of a block, in order. */
export const blockStates = ["ADDED", "SUBMITTED", "WRITING", "DONE"] as const;
export type BlockState = (typeof blockStates)[number];

/** `status_phase` of a job, in order; all but the last once for map and once for reduce. */
export const jobPhases = [
  "GETWORKERS",
  "SLICES",
  "SENDTASK",
  "WAITANSWERS",
  "GETRESULTS",
  "DONE",
] as const;
export type JobPhase = (typeof jobPhases)[number];

/** `job_state` of a job, and `task` of a task. */
export type TaskKind = "map" | "reduce";

/** A client asks a worker to make the job that it has stored its own. */
export type JobRequest = {
  readonly jobId: string;
  /** As the client writes it, `./<job>`: what `mapper` gets as its key. */
  readonly jobUrl: string;
  readonly functionsUrl: string;
  readonly dataUrl: string;
  readonly databaseUrl: string;
  readonly dataType: string;
  /** Where the client listens for DONE, ERROR and RELOCATE. */
  readonly client: Address;
};

/** A tracker asks a worker to compute one block. */
export type TaskRequest = {
  readonly jobId: string;
  readonly jobUrl: string;
  readonly functionsUrl: string;
  readonly databaseUrl: string;
  readonly task: TaskKind;
  readonly block: string;
  /** Slices as text for a map, pickles of (key, values) for a reduce. */
  readonly files: readonly string[];
  /** The files hold pickles. */
  readonly isPickled: boolean;
  /** Where the tracker waits for DONE and ERROR. */
  readonly answerTo: Address;
};

export type WorkerRequest =
  /** The id of the job is the SHA-1 of this text. */
  | { readonly call: "JOBREG"; readonly idText: string }
  | { readonly call: "JOB"; readonly job: JobRequest }
  | { readonly call: "TASK"; readonly task: TaskRequest }
  | { readonly call: "STATUS" | "PING" }
  /** Of a child of a deployed worker: it has room again. */
  | { readonly call: "DONE" };

/** Throws `bad-request` for what is missing, `not-found` for names that can name nothing. */
export function parseWorkerRequest(message: Message): WorkerRequest {
  switch (message.name) {
    case "JOBREG": {
      const files = textsField(message, "files");
      if (files.length === 0) {
        const text = "JOBREG needs files, a list of the functions file and the data file";
        throw new ClusterError("bad-request", text);
      }
      const extra = hasField(message, "extra_info") ? textField(message, "extra_info") : "";
      return { call: "JOBREG", idText: files.join("") + extra };
    }
    case "JOB":
      return { call: "JOB", job: parseJob(message) };
    case "TASK":
      return { call: "TASK", task: parseTask(message) };
    case "STATUS":
    case "PING":
    case "DONE":
      return { call: message.name };
  }
  const text = `${message.name} is no message of a worker; see docs/protocols/filesystem.md`;
  throw new ClusterError("bad-request", text);
}

function parseJob(message: Message): JobRequest {
  const jobUrl = textField(message, "job_url");
  const name = jobNameOf(jobUrl);
  const fileOf = (field: string, usual: string) =>
    checked(hasField(message, field) ? textField(message, field) : `${name}/${usual}`);
  return {
    jobId: jobNameOf(textField(message, "job_id")),
    jobUrl,
    functionsUrl: fileOf("functions_url", "functions.py"),
    dataUrl: fileOf("map_data_url", "map_data"),
    databaseUrl: databaseOf(message, name),
    dataType: hasField(message, "data_type") ? textField(message, "data_type") : "text",
    client: addressField(message, "client_addr"),
  };
}

function parseTask(message: Message): TaskRequest {
  const jobUrl = textField(message, "job_url");
  const files = textsField(message, "block_urls").map(checked);
  if (files.length > blockFilesMax) {
    const text = `block_urls has ${files.length} names; at most ${blockFilesMax}`;
    throw new ClusterError("limit-exceeded", text);
  }
  const task = textField(message, "task");
  if (task !== "map" && task !== "reduce") {
    throw new ClusterError("bad-request", `TASK has the task ${task}, not map or reduce`);
  }
  return {
    jobId: jobNameOf(textField(message, "job_id")),
    jobUrl,
    functionsUrl: checked(textField(message, "function_url", "functions_url")),
    databaseUrl: databaseOf(message, jobNameOf(jobUrl)),
    task,
    block: textField(message, "block_id"),
    files,
    isPickled: hasField(message, "load_byte") ? flagField(message, "load_byte") : task === "reduce",
    answerTo: addressField(message, "answer_addr"),
  };
}

function databaseOf(message: Message, job: string): string {
  const names = ["status_db_url", "db_url"];
  if (!hasField(message, ...names)) return databaseUrl(job);
  const url = textField(message, ...names);
  jobOfDatabase(url);
  return url;
}

/** As it was written: names of results are made of it, by all executors of a job alike. */
function checked(url: string): string {
  fileNameOf(url);
  return url;
}

/** What listeners are sent: a client by its tracker, and a tracker by the executor of a task. */
export type Report =
  | { readonly report: "DONE"; readonly resultUrl: string }
  | { readonly report: "ERROR"; readonly info: string }
  | { readonly report: "RELOCATE"; readonly ping: Address; readonly answer: Address }
  | { readonly report: "INFO"; readonly info: string };

/** To a client. Throws `bad-request`. A message of another name with `info` is news. */
export function parseReport(message: Message): Report {
  const info = hasField(message, "info") ? textField(message, "info") : "";
  switch (message.name) {
    case "DONE":
      return { report: "DONE", resultUrl: checked(textField(message, "result_url")) };
    case "ERROR":
      return { report: "ERROR", info: info === "" ? "the job failed" : info };
    case "RELOCATE":
      return {
        report: "RELOCATE",
        ping: splitAddress(message, "ping_tracker"),
        answer: splitAddress(message, "answer"),
      };
  }
  return { report: "INFO", info };
}

/** What the executor of a task sends to its tracker. Throws `bad-request`. */
export function parseTaskReport(
  message: Message,
): { block: string; worker: Address | null } | { info: string } {
  if (message.name === "DONE") {
    const worker = hasField(message, "worker_addr") ? addressField(message, "worker_addr") : null;
    return { block: textField(message, "block_id"), worker };
  }
  if (message.name !== "ERROR") {
    throw new ClusterError("bad-request", `${message.name} is no report of a task`);
  }
  return { info: hasField(message, "info") ? textField(message, "info") : "the task failed" };
}

/** As in `ping_tracker_ip` and `ping_tracker_port`. */
export function splitAddress(message: Message, prefix: string): Address {
  const parts = [`${prefix}_ip`, `${prefix}_port`].map((name) => textField(message, name));
  return addressField({ ...message, payload: new Map([[prefix, parts]]) }, prefix);
}

export function splitValue(prefix: string, { host, port }: Address): Record<string, PyValue> {
  return { [`${prefix}_ip`]: host, [`${prefix}_port`]: String(port) };
}

/** JOB with the seven fields of deployed workers, which take these and no others. */
export function jobPayload(job: JobRequest): Record<string, PyValue> {
  return {
    job_url: job.jobUrl,
    job_id: job.jobId,
    data_type: job.dataType,
    client_addr: addressValue(job.client),
    functions_url: job.functionsUrl,
    map_data_url: job.dataUrl,
    status_db_url: job.databaseUrl,
  };
}

/** TASK with the nine fields of deployed workers, likewise. */
export function taskPayload(task: TaskRequest): Record<string, PyValue> {
  return {
    job_url: task.jobUrl,
    job_id: task.jobId,
    function_url: task.functionsUrl,
    block_urls: task.files,
    task: task.task,
    answer_addr: addressValue(task.answerTo),
    load_byte: task.isPickled,
    status_db_url: task.databaseUrl,
    block_id: task.block,
  };
}
