/** The tasks of trackers that run here, each with a port where it answers pings. */
import { ClusterError } from "../../core/error.ts";
import type { Listen } from "../../link/listen.ts";
import { advertisedHost } from "../../peer/advertised.ts";
import type { TaskRequest } from "../../wire/filesystem/jobs.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { type FileSystem, whoHas } from "../files/file-system.ts";
import { openPingPort } from "../ping-port.ts";
import { runTask } from "./task.ts";

export type RunnerOptions = {
  readonly cluster: Cluster;
  readonly systems: () => Promise<readonly FileSystem[]>;
  readonly host: string;
  readonly tasksMax: number;
  /** Ends all that is under way here. */
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
};

export class TaskRunner {
  /** The worker's own address, which is sent to trackers. */
  worker: Listen = { host: "", port: 0 };
  readonly #options: RunnerOptions;
  readonly #running = new Set<Promise<void>>();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  get roomLeft(): number {
    return this.#options.tasksMax - this.#running.size;
  }

  /** Where its pings are answered; null = too many are running. A tracker that finds it silent,
   *  after a restart of ours, gives the block to another. */
  async start(task: TaskRequest): Promise<Listen | null> {
    const { host, systems } = this.#options;
    if (this.roomLeft <= 0) return null;
    const [first, ...more] = await systems();
    const files = more.length === 0 ? first : await whoHas(await systems(), task.functionsUrl);
    if (files === undefined || files === null) {
      throw new ClusterError("not-found", `no file system here has ${task.functionsUrl}`);
    }
    const port = await openPingPort({ host, port: 0 });
    const ping = { host: advertisedHost(host), port: port.port };
    const { cluster, signal } = this.#options;
    const running = runTask(task, { cluster, files, ping, worker: this.worker, signal })
      .catch((error) => {
        if (!signal.aborted) this.#options.onError(error);
      })
      .finally(async () => {
        this.#running.delete(running);
        await port.close();
      });
    this.#running.add(running);
    return ping;
  }

  /** Once the signal has come. */
  async close(): Promise<void> {
    await Promise.all(this.#running);
  }
}
