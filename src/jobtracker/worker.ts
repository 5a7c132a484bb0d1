/** The Worker of the filesystem protocol: the port where clients register and submit jobs and
 *  trackers hand out tasks. All of it is computed by the cluster.
 *
 *  The protocol has no authentication: every client that reaches the port can have the cluster
 *  compute. */
import { createHash } from "node:crypto";
import { ClusterError } from "../core/error.ts";
import { isLoopback, type Listen } from "../link/listen.ts";
import { openReplyServer } from "../link/zeromq/reply-server.ts";
import { refuserFor } from "../peer/addresses.ts";
import { advertisedHost } from "../peer/advertised.ts";
import { type Answering, answerQuestions, questionHosts } from "../peer/discovery.ts";
import type { Client } from "../sdk/client.ts";
import { errorAnswer, okAnswer } from "../wire/filesystem/answers.ts";
import { decodeMessage, encodeMessage } from "../wire/filesystem/codec.ts";
import { filesystemQuestionPort, workerQuestionPort } from "../wire/filesystem/discovery.ts";
import { addressValue } from "../wire/filesystem/fields.ts";
import {
  type JobRequest,
  parseWorkerRequest,
  splitValue,
  type TaskRequest,
  type WorkerRequest,
} from "../wire/filesystem/jobs.ts";
import { taskBytesMax } from "../wire/filesystem/limits.ts";
import { trackersListed } from "../wire/filesystem/register.ts";
import { Cluster } from "./cluster/cluster.ts";
import type { ReportOptions } from "./jobs/reports.ts";
import { Tracker } from "./jobs/tracker.ts";
import { type OwnFiles, Systems } from "./systems.ts";
import { TaskRunner } from "./tasks/runner.ts";
import { type RoomyWorker, Workers, type WorkersOptions } from "./workers.ts";

export type WorkerOptions = Listen & {
  /** UDP port of discovery; default: the one after `port`. */
  readonly discoveryPort?: number;
  /** Existing file systems, besides our own. */
  readonly filesystems?: readonly Listen[];
  /** Existing workers that tasks of our jobs are given to, besides the cluster; default: none. */
  readonly workers?: readonly Listen[];
  /** Also those that answer by UDP, and those of this register; default: no worker is looked
   *  for. */
  readonly findsWorkers?: boolean;
  readonly register?: Listen | null;
  /** Jobs at the same time; default 64. */
  readonly jobsMax?: number;
  /** Tasks at the same time; default 256. */
  readonly tasksMax?: number;
  /** How long an existing worker may have a block before another gets it, ms. Default
   *  3,600,000. */
  readonly taskMaxMs?: number;
  readonly reports?: ReportOptions;
  /** Between two looks whether a job was removed, ms. Default 5,000. */
  readonly lookEveryMs?: number;
};

export type WorkerParts = {
  /** Of the coordinator that computes. */
  readonly client: Client;
  /** Where jobs are kept that have been taken. */
  readonly dir: string;
  readonly own: OwnFiles | null;
  /** What an operator should know, a line each. */
  readonly onNews: (text: string) => void;
  readonly onError: (error: unknown) => void;
};

export type WorkerServing = Listen & {
  /** The address that clients and trackers are sent. */
  readonly advertised: Listen;
  /** UDP; null = its port is in use. */
  readonly discoveryPort: number | null;
  close(): Promise<void>;
};

/** Requests at once. */
const requestsMax = 64;

export async function serveWorker(
  options: WorkerOptions,
  parts: WorkerParts,
): Promise<WorkerServing> {
  const closers = new AsyncDisposableStack();
  const close = () => closers.disposeAsync();
  try {
    return { ...(await open(options, parts, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(
  options: WorkerOptions,
  parts: WorkerParts,
  closers: AsyncDisposableStack,
): Promise<Omit<WorkerServing, "close">> {
  const { discoveryPort, filesystems = [], host, port: wanted } = options;
  const cluster = new Cluster(parts.client);
  const ask = { hosts: questionHosts(host), port: filesystemQuestionPort };
  const closing = new AbortController();
  const { signal } = closing;
  const systems = new Systems({ own: parts.own, named: filesystems, ask, signal });
  const advertised = advertisedHost(host);
  const refuse = refuserOf(host);
  const place = { at: { host: advertised, port: 0 } };
  const workers = workersOf(options, { refuse, own: () => place.at });
  const tracker = new Tracker({
    ...parts,
    cluster,
    systems: () => systems.list(),
    host,
    advertised,
    refuse,
    workers,
    own: () => place.at,
    signal,
    jobsMax: options.jobsMax ?? 64,
    ...timesOf(options),
  });
  closers.defer(() => tracker.close());
  const tasks = new TaskRunner({
    cluster,
    systems: () => systems.list(),
    host,
    tasksMax: options.tasksMax ?? 256,
    signal,
    onError: parts.onError,
  });
  closers.defer(() => tasks.close());
  closers.defer(() => closing.abort());
  const worker = new Worker({ cluster, systems, tracker, tasks, refuse, onError: parts.onError });
  const server = await openReplyServer({
    host,
    port: wanted,
    advice: { options: "--jobtracker", free: "--jobtracker 0" },
    requestMaxBytes: taskBytesMax,
    requestsMax,
    answer: (frame) => worker.answer(frame),
  });
  closers.defer(() => server.close());
  const at = { host: advertised, port: server.port };
  place.at = at;
  worker.at = at;
  tasks.worker = at;
  await tracker.resume();
  const udp = discoveryPort ?? (wanted === 0 || wanted === 65_535 ? 0 : wanted + 1);
  const found = await openDiscovery({ host, port: udp }, at, parts.onNews);
  if (found !== null) closers.defer(() => found.close());
  return { host, port: server.port, advertised: at, discoveryPort: found?.port ?? null };
}

/** Those of a tracker that are set. */
function timesOf({ lookEveryMs, reports, taskMaxMs }: WorkerOptions) {
  return {
    ...(reports === undefined ? {} : { reports }),
    ...(lookEveryMs === undefined ? {} : { lookEveryMs }),
    ...(taskMaxMs === undefined ? {} : { taskMaxMs }),
  };
}

/** Null unless the user asks for them. */
function workersOf(
  { findsWorkers = false, host, register = null, workers = [] }: WorkerOptions,
  parts: Pick<WorkersOptions, "own" | "refuse">,
): (() => Promise<readonly RoomyWorker[]>) | null {
  if (workers.length === 0 && !findsWorkers) return null;
  const everywhere = { hosts: questionHosts(host), port: workerQuestionPort };
  const found = findsWorkers ? { ask: everywhere, register } : { ask: null, register: null };
  const known = new Workers({ ...parts, ...found, named: workers });
  return () => known.roomy();
}

/** Clients without a configured address name 0.0.0.0, which means this machine only on itself. */
function refuserOf(host: string): (address: string) => string | null {
  if (!isLoopback(host)) return refuserFor("site");
  const refuse = refuserFor("machine");
  return (address) => (address === "0.0.0.0" ? null : refuse(address));
}

/** Without it existing programs must be configured with the address: that is no reason not to
 *  serve. */
async function openDiscovery(
  listen: Listen,
  at: Listen,
  onNews: (text: string) => void,
): Promise<Answering | null> {
  try {
    return await answerQuestions(listen, at);
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    onNews(`the JobTracker is not found by broadcast: ${error.text}`);
    return null;
  }
}

type Inside = {
  readonly cluster: Cluster;
  readonly systems: Systems;
  readonly tracker: Tracker;
  readonly tasks: TaskRunner;
  readonly refuse: (host: string) => string | null;
  readonly onError: (error: unknown) => void;
};

class Worker {
  at: Listen = { host: "", port: 0 };
  readonly #inside: Inside;

  constructor(inside: Inside) {
    this.#inside = inside;
  }

  async answer(frame: Uint8Array): Promise<Uint8Array> {
    try {
      return await this.#perform(parseWorkerRequest(decodeMessage(frame)));
    } catch (error) {
      if (error instanceof ClusterError) return errorAnswer(error);
      this.#inside.onError(error);
      return encodeMessage("ERROR", {
        info: "a bug of the coordinator; see its output",
        type_error: "InternalError",
      });
    }
  }

  async #perform(request: WorkerRequest): Promise<Uint8Array> {
    switch (request.call) {
      case "JOBREG":
        return this.#register(request.idText);
      case "JOB":
        return this.#job(request.job);
      case "TASK":
        return this.#task(request.task);
      case "STATUS":
        return this.#status();
      case "PING":
      case "DONE":
        return okAnswer();
    }
  }

  async #register(idText: string): Promise<Uint8Array> {
    const systems = await this.#inside.systems.list();
    if (systems.length === 0) {
      const text = "no file system is known here: start one, or name it with --filesystem";
      throw new ClusterError("unavailable", text);
    }
    return okAnswer({
      info: "Job correctly registered",
      job_id: createHash("sha1").update(idText).digest("hex"),
      trackers_addr: Array.from({ length: trackersListed }, () => addressValue(this.at)),
      filesystem: systems.map(({ at }) => addressValue(at)),
    });
  }

  async #job(job: JobRequest): Promise<Uint8Array> {
    this.#mayDial(job.client.host);
    const ping = await this.#inside.tracker.take(job);
    return ping === null ? busy() : okAnswer(splitValue("ping_tracker", ping));
  }

  async #task(task: TaskRequest): Promise<Uint8Array> {
    this.#mayDial(task.answerTo.host);
    const ping = await this.#inside.tasks.start(task);
    return ping === null ? busy() : okAnswer(splitValue("task_ping", ping));
  }

  /** Tasks wait at the cluster, so there is room beyond its slots: what is reported to trackers is
   *  how many can run at once. */
  async #status(): Promise<Uint8Array> {
    const { cluster, tasks, tracker } = this.#inside;
    const slots = await cluster.slots();
    return okAnswer({
      current_task_cap: BigInt(Math.max(tasks.roomLeft > 0 ? 1 : 0, slots - tasks.runningCount)),
      current_job_cap: BigInt(tracker.roomLeft),
    });
  }

  /** An address in a message must not make this machine dial what only it can reach. */
  #mayDial(host: string): void {
    const problem = this.#inside.refuse(host);
    if (problem !== null) throw new ClusterError("bad-request", `${problem}; name another`);
  }
}

/** In the words that existing programs act on. */
function busy(): Uint8Array {
  return encodeMessage("ERROR", { info: "Worker busy", type_error: "WorkerBusyError" });
}
