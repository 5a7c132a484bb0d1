/** One real cluster for the tests of Python jobs, and job files written in the tests. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { type Coordinator, openCoordinator } from "../../src/coordinator/coordinator.ts";
import type { JobSummary } from "../../src/core/summary.ts";
import { hostId } from "../../src/link/host.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { Client } from "../../src/sdk/client.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { testMaxMs, waitMaxMs } from "../../src/store/testing/patience.ts";
import { startWorker, type WorkerOptions } from "../../src/worker/node.ts";
import { findPython } from "../../src/worker/slot/python.ts";
import { freePort } from "../fixtures/free-port.ts";

const found = await findPython();
/** Why tests of Python cannot run here; false when they can. */
export const noPython = found === null ? "no python3 of 3.9 or newer is installed here" : false;

export const mebibyte = 1024 * 1024;

export class Cluster {
  readonly folder = newFolder("tequio-py-");
  #client: Client | null = null;
  #coordinator: Coordinator | null = null;
  #serial = 0;
  readonly #closers: Array<() => Promise<unknown>> = [];

  get client(): Client {
    return this.#client!;
  }

  /** Its address and the administrator's token. */
  get target(): { readonly url: string; readonly token: string } {
    return { url: this.#coordinator!.url, token: this.#coordinator!.adminToken };
  }

  /** The coordinator ends and is started again where it was; `meanwhile` runs without one. */
  async restart(meanwhile: () => Promise<void>): Promise<void> {
    const listen = new URL(this.target.url).host;
    await this.#coordinator!.close();
    await meanwhile();
    const dataDir = join(this.folder, "data");
    this.#coordinator = await openCoordinator({ dataDir, listen, version: "test" });
  }

  async open(over: Partial<WorkerOptions> = {}): Promise<void> {
    const dataDir = join(this.folder, "data");
    const listen = `127.0.0.1:${await freePort()}`;
    const coordinator = await openCoordinator({ dataDir, listen, version: "test" });
    this.#coordinator = coordinator;
    this.#closers.push(async () => this.#coordinator?.close());
    const { url, adminToken: token } = coordinator;
    this.#client = new Client({ url, token });
    const joined = Promise.withResolvers<void>();
    const worker = await startWorker({
      url,
      token: await coordinator.joinToken({ ttlMs: testMaxMs, usesMax: 1 }),
      dataDir: join(this.folder, "worker"),
      slots: 2,
      memoryBytes: 256 * mebibyte,
      name: "snake",
      sandbox: "auto",
      listen: "127.0.0.1:0",
      onJoined: () => joined.resolve(),
      ...over,
    });
    this.#closers.push(() => worker.stop(0));
    await joined.promise;
  }

  async close(): Promise<void> {
    this.#client?.close();
    for (const close of this.#closers.reverse()) await close();
    removeFolder(this.folder);
  }

  /** The path of a file with this text, in a folder of its own. */
  file(name: string, text: string | Uint8Array): string {
    const folder = join(this.folder, `files-${this.#serial++}`);
    mkdirSync(folder);
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  }

  /** Submits it and waits for its end. */
  async run(
    job: string,
    inputs: readonly string[] = [],
    plan: { readonly reducers?: number; readonly splitBytes?: number } = {},
  ): Promise<JobSummary> {
    const built = await bundleJob(job);
    const planned = await planJob(built.job, { inputs, params: {}, host: hostId(), ...plan });
    const id = await submitJob(this.client, built, planned, { name: "tested" });
    let last: JobSummary | null = null;
    const signal = AbortSignal.timeout(waitMaxMs);
    for await (const summary of this.client.watch(id as never, { signal })) last = summary;
    await planned.remove();
    return last!;
  }
}

/** Opened before the tests of a file and closed after them. */
export function clusterForTests(over: Partial<WorkerOptions> = {}): Cluster {
  const cluster = new Cluster();
  let opened: Promise<void> = Promise.resolve();
  before(() => {
    opened = cluster.open(over);
    return opened;
  });
  // When no test is to run, the runner does not wait for what is before it.
  after(async () => {
    await opened.catch(() => {});
    await cluster.close();
  });
  return cluster;
}
