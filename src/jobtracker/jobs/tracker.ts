/** The jobs of one tracker: taken, computed, reported to their clients, and taken up again after a
 *  restart.
 *
 *  1. A job is on the disk before JOB is answered.
 *  2. Of one job there is one computation here, however many clients ask for it; its end is
 *     reported to all of them.
 *  3. Where another tracker computes it and answers its pings, clients are sent there: also those
 *     of a job that another one has taken over while this one was away. */
import { randomUUID } from "node:crypto";
import { ClusterError } from "../../core/error.ts";
import type { Listen } from "../../link/listen.ts";
import { typeErrors } from "../../wire/filesystem/answers.ts";
import { type JobRequest, splitValue } from "../../wire/filesystem/jobs.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { type FileSystem, type Payload, type Row, whoHas } from "../files/file-system.ts";
import { answersPing, openPingPort, type PingPort } from "../ping-port.ts";
import type { RoomyWorker } from "../workers.ts";
import { defaultBlockLimits } from "./blocks.ts";
import { contentOf } from "./cut.ts";
import { isClientOf, Joining } from "./joining.ts";
import { type JobEnd, type KeptJob, KeptJobs } from "./kept.ts";
import { Mirror } from "./mirror.ts";
import { defaultReportOptions, type ReportOptions, report } from "./reports.ts";
import { runOnCluster } from "./run.ts";
import { runOnWorkers } from "./spread.ts";

export type TrackerOptions = {
  /** Where what is kept lies. */
  readonly dir: string;
  readonly cluster: Cluster;
  /** Those that jobs may be in; asked at each use. */
  readonly systems: () => Promise<readonly FileSystem[]>;
  /** Where pings are answered, as clients reach it. */
  readonly host: string;
  readonly advertised: string;
  /** Why nothing is sent to this address, which a message names; null = it may be. */
  readonly refuse: (host: string) => string | null;
  /** Jobs at the same time. */
  readonly jobsMax: number;
  /** Ends all that is under way here. */
  readonly signal: AbortSignal;
  readonly onNews: (text: string) => void;
  readonly onError: (error: unknown) => void;
  readonly reports?: ReportOptions;
  /** Between two looks whether a job was removed, ms. Default 5,000. */
  readonly lookEveryMs?: number;
  /** Those that get tasks of new jobs; null = the cluster computes all. */
  readonly workers: (() => Promise<readonly RoomyWorker[]>) | null;
  /** Our own worker, which is one of them. */
  readonly own: () => Listen;
  /** How long one of the others may have a block, ms. Default 3,600,000. */
  readonly taskMaxMs?: number;
};

type Running = { readonly ping: PingPort; ended: Promise<void> };

/** Longest answer of another tracker to a ping, ms. */
const pingMs = 2_000;

export class Tracker {
  readonly #options: TrackerOptions;
  readonly #kept: KeptJobs;
  readonly #running = new Map<string, Running>();
  readonly #telling = new Set<Promise<unknown>>();
  readonly #resumed = Promise.withResolvers<void>();
  readonly #joining: Joining;

  constructor(options: TrackerOptions) {
    this.#options = options;
    this.#kept = new KeptJobs(options.dir);
    this.#joining = new Joining({
      kept: this.#kept,
      filesAt: (at) => this.#filesAt(at),
      isRunning: (jobId) => this.#running.has(jobId),
      add: (job, client) => this.#add(job, client),
      tellEnd: (client, end) => this.#tell(client, ...endMessage(end)),
      signal: options.signal,
      onError: options.onError,
    });
  }

  get roomLeft(): number {
    return Math.max(0, this.#options.jobsMax - this.#running.size);
  }

  /** Goes on with what was taken before this start. */
  async resume(): Promise<void> {
    try {
      for (const job of this.#kept.all()) {
        const ping = await openPingPort({ host: this.#options.host, port: job.ping.port });
        const at = { host: this.#options.advertised, port: ping.port };
        this.#start(this.#kept.put({ ...job, ping: at }), ping);
        this.#joining.resume(job);
      }
    } finally {
      this.#resumed.resolve();
    }
  }

  /** Where the job's pings are answered, once it is durable; null = too many are running. */
  async take(request: JobRequest): Promise<Listen | null> {
    const { jobId } = request;
    // One that was taken before this start is joined, not begun beside itself.
    await this.#resumed.promise;
    const known = this.#kept.find(jobId);
    if (known !== null && this.#running.has(jobId)) return this.#join(known, request);
    if (this.roomLeft === 0) return null;
    const system = await this.#systemOf(request);
    const ping = await openPingPort({ host: this.#options.host, port: 0 });
    try {
      // Another JOB for it may have come meanwhile.
      const now = this.#kept.find(jobId);
      if (now !== null && this.#running.has(jobId)) {
        await ping.close();
        return this.#join(now, request);
      }
      const job: KeptJob = {
        request,
        filesystem: system.at,
        ping: { host: this.#options.advertised, port: ping.port },
        clients: [request.client],
        joining: [],
        run: `jobtracker:${randomUUID()}`,
        isSpread: false,
        mapTasks: null,
        content: null,
        submitted: null,
        end: null,
      };
      this.#start(this.#kept.put(job), ping);
      return job.ping;
    } catch (error) {
      await ping.close();
      throw error;
    }
  }

  /** Once the signal has come: what runs goes on in the cluster, and here after the next start. */
  async close(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
    await this.#joining.ended();
    await Promise.all(this.#telling);
  }

  /** A further client of a job that is computed here: it gets the address where the first one
   *  listens, and the end is reported to its own address, too, since it may be on another machine.
   *  One that lost the connection and asks again waits at the right place already. */
  #join(job: KeptJob, request: JobRequest): Listen {
    if (!isClientOf(job, request.client)) this.#joining.take(job, request);
    return job.ping;
  }

  #add(job: KeptJob, client: Listen): void {
    this.#kept.change(job.request.jobId, { clients: [...job.clients, client] });
    // The end is being reported to the others already.
    if (job.end !== null) this.#tell(client, ...endMessage(job.end));
    else this.#tell(client, "RELOCATE", relocation(job.ping, job.clients[0] ?? client));
  }

  #tell(client: Listen, name: string, payload: Payload): void {
    const options = { ...defaultReportOptions, ...this.#options.reports };
    const { signal } = this.#options;
    const telling = report(client, name, payload, { ...options, signal })
      .catch(this.#options.onError)
      .finally(() => this.#telling.delete(telling));
    this.#telling.add(telling);
  }

  #start(job: KeptJob, ping: PingPort): void {
    const running: Running = { ping, ended: Promise.resolve() };
    this.#running.set(job.request.jobId, running);
    running.ended = this.#perform(job, this.#options.signal)
      .catch(this.#options.onError)
      .finally(async () => {
        // The next run of the job may have begun.
        const isLast = this.#running.get(job.request.jobId) === running;
        if (isLast) this.#running.delete(job.request.jobId);
        await ping.close();
      });
  }

  async #perform(job: KeptJob, signal: AbortSignal): Promise<void> {
    const { jobId } = job.request;
    const end = job.end ?? (await this.#endOf(job, signal));
    if (signal.aborted) return;
    if (end !== "relocated") {
      const ended = this.#kept.change(jobId, { end });
      if (ended !== null) await this.#tellEnd(ended, end, signal);
    }
    if (!signal.aborted) this.#kept.remove(jobId);
  }

  async #tellEnd(job: KeptJob, end: JobEnd, signal: AbortSignal) {
    const [name, payload] = endMessage(end);
    const options = { ...defaultReportOptions, ...this.#options.reports, signal };
    const told = await Promise.all(
      job.clients.map((client) => report(client, name, payload, options)),
    );
    if (told.includes(true) || signal.aborted) return;
    const what = "resultUrl" in end ? `its result is ${end.resultUrl}` : end.info;
    this.#options.onNews(`no client of job ${job.request.jobId} is there any more: ${what}`);
  }

  async #endOf(job: KeptJob, signal: AbortSignal): Promise<JobEnd | "relocated"> {
    try {
      const files = await this.#filesAt(job.filesystem);
      const isBegun = job.submitted !== null || job.isSpread;
      const before = await (isBegun ? this.#meanwhile(job, files) : this.#before(job, files));
      if (before !== null) return before;
      return { resultUrl: await this.#compute(job.request.jobId, files, signal) };
    } catch (error) {
      if (!signal.aborted && !(error instanceof ClusterError)) this.#options.onError(error);
      if (!(error instanceof ClusterError)) {
        return { info: "a bug of the coordinator; see its output", type_error: "InternalError" };
      }
      return { info: error.text, type_error: typeErrors[error.code] };
    }
  }

  async #compute(jobId: string, files: FileSystem, signal: AbortSignal): Promise<string> {
    const job = this.#kept.find(jobId) as KeptJob;
    const { advertised, cluster, host, refuse, workers } = this.#options;
    const { lookEveryMs = 5_000 } = this.#options;
    const parts = { kept: this.#kept, cluster, files, signal, lookEveryMs };
    if (!job.isSpread) return runOnCluster(job, parts);
    // Asked for before the restart, and no more: then the cluster is the only worker.
    if (workers === null) throw new ClusterError("unavailable", "the job needs its workers");
    const { onNews, own, taskMaxMs = defaultBlockLimits.taskMaxMs } = this.#options;
    const limits = { ...defaultBlockLimits, taskMaxMs };
    const around = { workers, own, host, advertised, refuse, limits, onNews };
    const end = await runOnWorkers(job, { ...parts, ...around });
    if ("resultUrl" in end) return end.resultUrl;
    // Map results only grow, and some may hold a block twice or not at all: none of them is read.
    onNews(`job ${jobId}: ${end.uncertain}; the cluster computes all of it from its data`);
    const alone = this.#kept.change(jobId, { isSpread: false, mapTasks: null });
    if (alone === null) throw new ClusterError("not-found", "the job was removed");
    return runOnCluster(alone, parts);
  }

  /** What has become of a job that was begun here, while this tracker was away: null = it goes on
   *  here. */
  async #meanwhile(job: KeptJob, files: FileSystem) {
    const mirror = new Mirror(files, job.request);
    const row = await mirror.row();
    const place = row === null ? null : this.#otherTracker(row, job);
    if (row === null || place === null) return null;
    const isDone = row.status_phase === "DONE";
    if (!isDone && !(await answersPing(place.ping, { timeoutMs: pingMs }))) {
      await mirror.takeOver(job.ping);
      return null;
    }
    // Both would write the same blocks.
    if (job.submitted !== null) await this.#options.cluster.cancel(job.submitted.job);
    if (isDone) return { resultUrl: row.result_url ?? "" };
    const { host, port } = place.answer;
    for (const client of job.clients) {
      const waitsThere = client.host === host && client.port === port;
      if (!waitsThere) this.#tell(client, "RELOCATE", relocation(place.ping, place.answer));
    }
    return "relocated" as const;
  }

  /** What has come of the job at another tracker, or before: null = it is computed now. */
  async #before(job: KeptJob, files: FileSystem) {
    const { request } = job;
    const mirror = new Mirror(files, request);
    const row = await mirror.row();
    if (row === null) {
      await mirror.insert(job.ping, `${request.jobUrl}/result_data`);
      if (this.#options.workers !== null) this.#kept.change(request.jobId, { isSpread: true });
      return null;
    }
    if (row.status_phase === "DONE" && (await this.#isCurrent(job, files))) {
      return { resultUrl: row.result_url ?? "" };
    }
    const place = this.#otherTracker(row, job);
    if (
      place !== null &&
      row.status_phase !== "DONE" &&
      (await answersPing(place.ping, { timeoutMs: pingMs }))
    ) {
      this.#tell(request.client, "RELOCATE", relocation(place.ping, place.answer));
      return "relocated" as const;
    }
    await mirror.takeOver(job.ping);
    return null;
  }

  /** Of the data that is there now, as far as we know. */
  async #isCurrent({ request }: KeptJob, files: FileSystem): Promise<boolean> {
    const known = this.#kept.result(request.jobId);
    return known === null || known.content === (await contentOf({ files, job: request }));
  }

  #otherTracker(row: Row, job: KeptJob): { ping: Listen; answer: Listen } | null {
    const ping = placeOf(row.tracker_ip_ping, row.tracker_port_ping);
    const answer = placeOf(row.answer_ip, row.answer_port);
    if (ping === null || answer === null) return null;
    const isOurs = ping.host === job.ping.host && ping.port === job.ping.port;
    // Rows are written by others: what they name is no reason to dial this machine.
    return isOurs || this.#options.refuse(ping.host) !== null ? null : { ping, answer };
  }

  async #systemOf({ functionsUrl }: JobRequest): Promise<FileSystem> {
    const systems = await this.#options.systems();
    const [only, ...more] = systems;
    if (only !== undefined && more.length === 0) return only;
    const found = await whoHas(systems, functionsUrl);
    if (found !== null) return found;
    const text = `no file system that is known here has ${functionsUrl}`;
    throw new ClusterError("not-found", text);
  }

  /** The one that a job was taken with, also when it is no longer found. */
  async #filesAt({ host, port }: Listen): Promise<FileSystem> {
    const systems = await this.#options.systems();
    const same = systems.find(({ at }) => at.host === host && at.port === port);
    const [first] = systems;
    if (same !== undefined) return same;
    if (first !== undefined) return first;
    throw new ClusterError("unavailable", `no file system is known; ${host}:${port} had the job`);
  }
}

function endMessage(end: JobEnd): [name: string, payload: Payload] {
  return "resultUrl" in end ? ["DONE", { result_url: end.resultUrl }] : ["ERROR", { ...end }];
}

function relocation(ping: Listen, answer: Listen): Payload {
  return { ...splitValue("ping_tracker", ping), ...splitValue("answer", answer) };
}

function placeOf(host = "", port = ""): Listen | null {
  const isPort = /^[0-9]{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536;
  return isPort && /^[0-9A-Za-z.:_-]{1,255}$/.test(host) ? { host, port: Number(port) } : null;
}
