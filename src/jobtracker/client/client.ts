/** A client of an existing system: registers the job, stores its files, submits it, and waits for
 *  the result, in the order of existing clients. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import type { Listen } from "../../link/listen.ts";
import { askOnce } from "../../link/zeromq/request.ts";
import { decodeMessage, encodeMessage, type Message } from "../../wire/filesystem/codec.ts";
import { addressOf, listField, textField } from "../../wire/filesystem/fields.ts";
import {
  type JobRequest,
  jobPayload,
  type Report,
  splitAddress,
} from "../../wire/filesystem/jobs.ts";
import { pickleBytesMax, requestBytesMax } from "../../wire/filesystem/limits.ts";
import { readPickle } from "../../wire/filesystem/pickle/reader.ts";
import type { PyValue } from "../../wire/filesystem/value.ts";
import { FileSystem, type Payload } from "../files/file-system.ts";
import { answersPing } from "../ping-port.ts";
import { addressTowards, listenForReports, type ReportListener } from "./listener.ts";

export type ElsewhereOptions = {
  readonly functionsPath: string;
  readonly dataPath: string;
  /** Where a worker of the system is; it tracks the job, or names the tracker that does. */
  readonly worker: Listen;
  /** Null = the one that the worker names. */
  readonly filesystem: Listen | null;
  readonly onNews: (text: string) => void;
  readonly limits?: Partial<ElsewhereLimits>;
};

export type ElsewhereLimits = {
  /** Longest answer to JOBREG and JOB, ms: existing workers ask around first, for 4 s. */
  readonly answerMs: number;
  /** Between two looks whether the tracker is there, ms. */
  readonly pingEveryMs: number;
  /** Longest answer to a ping, ms. */
  readonly pingMs: number;
};

const defaultLimits: ElsewhereLimits = { answerMs: 15_000, pingEveryMs: 5_000, pingMs: 2_000 };
/** Pings without an answer after which the next tracker is asked. */
const pingsMissedMax = 2;
/** Of the functions file, as of any that is submitted. */
const linesInId = 5;

/** What the job's reducer returned: a list, of pairs as a rule. Throws `user-error` when the system
 *  says that the job failed, `unavailable` when no tracker of it answers any more. */
export async function runElsewhere(options: ElsewhereOptions): Promise<PyValue> {
  const run = new ElsewhereRun(options);
  try {
    return await run.result();
  } finally {
    await run.close();
  }
}

class ElsewhereRun {
  readonly #options: ElsewhereOptions;
  readonly #limits: ElsewhereLimits;
  readonly #listeners: ReportListener[] = [];
  readonly #end = Promise.withResolvers<string>();
  readonly #over = new AbortController();
  #ping: Listen | null = null;
  #trackers: Listen[] = [];

  constructor(options: ElsewhereOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#end.promise.catch(() => {});
  }

  async result(): Promise<PyValue> {
    const { onNews, worker } = this.#options;
    const host = await addressTowards(worker);
    await this.#listen({ host, port: 0 });
    const { files, jobId } = await this.#register();
    const job = await this.#store(files, jobId);
    await this.#submit(job);
    onNews(`job ${jobId} is submitted to ${worker.host}:${worker.port}`);
    const url = await Promise.race([this.#end.promise, this.#watch(job, files)]);
    return readPickle(await files.readWhole(url, pickleBytesMax));
  }

  async close(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  async #listen(at: Listen): Promise<void> {
    this.#listeners.push(await listenForReports(at, (report) => this.#take(report)));
  }

  #take(report: Report): void {
    switch (report.report) {
      case "DONE":
        return this.#end.resolve(report.resultUrl);
      case "ERROR":
        return this.#end.reject(new ClusterError("user-error", report.info));
      case "INFO":
        return this.#options.onNews(report.info);
      case "RELOCATE":
        this.#ping = report.ping;
        this.#options.onNews(`the job is under way already, at ${report.ping.host}`);
        // Fails when the address belongs to another machine, or another client of this one waits
        // there; the reports arrive at our own address, too.
        this.#listen(report.answer).catch(() => {});
    }
  }

  async #register(): Promise<{ files: FileSystem; jobId: string }> {
    const { dataPath, filesystem, functionsPath, worker } = this.#options;
    const paths = [functionsPath, dataPath];
    const payload = { files: paths, extra_info: await extraInfo(paths) };
    const answer = await this.#ask(worker, "JOBREG", payload);
    const places = (field: string) =>
      listField(answer, field).map((item) => addressOf(answer, field, item));
    this.#trackers = places("trackers_addr");
    const at = filesystem ?? places("filesystem")[0];
    if (at === undefined) throw new ClusterError("unavailable", "the worker knows no file system");
    return { files: new FileSystem(at), jobId: textField(answer, "job_id") };
  }

  async #store(files: FileSystem, jobId: string): Promise<JobRequest> {
    const { dataPath, functionsPath } = this.#options;
    const { databaseUrl, jobUrl } = await files.putJob(jobId);
    const [functionsUrl, dataUrl] = [`${jobId}/functions.py`, `${jobId}/map_data`];
    await files.write(functionsUrl, [await readFile(functionsPath)]);
    await files.write(dataUrl, createReadStream(dataPath, { highWaterMark: 1 << 20 }));
    const client = (this.#listeners[0] as ReportListener).at;
    return { jobId, jobUrl, functionsUrl, dataUrl, databaseUrl, dataType: "text", client };
  }

  /** To the next tracker of the list that takes it. */
  async #submit(job: JobRequest): Promise<void> {
    let last = "the worker named no tracker";
    for (let at = this.#trackers.pop(); at !== undefined; at = this.#trackers.pop()) {
      try {
        const answer = await this.#ask(at, "JOB", jobPayload(job));
        this.#ping = splitAddress(answer, "ping_tracker");
        return;
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error;
        last = error.text;
      }
    }
    throw new ClusterError("unavailable", `no tracker takes the job: ${last}`);
  }

  /** Checks that a tracker computes the job, and submits it to the next one when it is silent;
   *  never resolves. */
  async #watch(job: JobRequest, files: FileSystem): Promise<never> {
    const { signal } = this.#over;
    let missed = 0;
    let shown = "";
    for (;;) {
      await delay(this.#limits.pingEveryMs, null, { signal });
      const isAlive =
        this.#ping !== null && (await answersPing(this.#ping, { timeoutMs: this.#limits.pingMs }));
      missed = isAlive ? 0 : missed + 1;
      if (missed >= pingsMissedMax) {
        this.#options.onNews("the tracker is silent; the next one is asked");
        await this.#submit(job);
        missed = 0;
      }
      const said = await progress(job, files).catch(() => shown);
      if (said !== shown && said !== "") this.#options.onNews(said);
      shown = said;
    }
  }

  async #ask(at: Listen, name: string, payload: Payload): Promise<Message> {
    const options = { timeoutMs: this.#limits.answerMs, answerMaxBytes: requestBytesMax };
    const answer = decodeMessage(await askOnce(at, encodeMessage(name, payload), options));
    if (answer.name === "OK") return answer;
    const info = String(answer.payload.get("info") ?? answer.name);
    throw new ClusterError("unavailable", `${name} at ${at.host}:${at.port}: ${info}`);
  }
}

/** Of its database, as existing clients show it. */
async function progress(job: JobRequest, files: FileSystem): Promise<string> {
  const blocks = await files.rows(job.databaseUrl, "block", []);
  const kinds = ["map", "reduce"].flatMap((kind) => {
    const own = blocks.filter(({ phase }) => phase === kind);
    const done = own.filter(({ state }) => state === "DONE").length;
    return own.length === 0 ? [] : [`${kind} ${done} of ${own.length}`];
  });
  return kinds.length === 0 ? "" : `${basename(job.jobUrl)}: ${kinds.join(", ")} blocks`;
}

/** Part of the job's id: SHA-1 over SHA-1s of the first lines of each file. */
async function extraInfo(paths: readonly string[]): Promise<string> {
  const sha1 = (text: string) => createHash("sha1").update(text).digest("hex");
  let extra = "";
  for (const path of paths) {
    const lines = await firstLines(path);
    for (let at = 0; at < linesInId; at += 1) extra += sha1(lines[at] ?? "");
    extra = sha1(extra);
  }
  return extra;
}

async function firstLines(path: string): Promise<string[]> {
  let text = "";
  try {
    for await (const chunk of createReadStream(path, { encoding: "utf8" })) {
      text += chunk;
      if (text.split("\n").length > linesInId) break;
    }
  } catch (cause) {
    throw new ClusterError("bad-request", `cannot read ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
  return text.match(/[^\n]*\n|[^\n]+$/g)?.slice(0, linesInId) ?? [];
}
