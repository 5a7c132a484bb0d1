/** A cluster inside this process: the same coordinator and worker, in a temporary folder that goes
 *  with them. */
import { mkdirSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../core/error.ts";
import type { Client } from "../sdk/client.ts";
import type { Processes } from "../worker/slot/processes.ts";
import type { Sandbox } from "../worker/slot/sandbox-node.ts";
import { nearBlobs } from "./near-blobs.ts";
import { packageVersion } from "./package-version.ts";

export type EmbeddedOptions = {
  /** Task processes at once. */
  readonly slots: number;
  readonly memoryBytes: number;
  /** Jobs need Python, which takes a while to be found. */
  readonly isPython: boolean;
  /** One job is all that it runs: a process that is ready for another would be started for nothing.
   *  Default false. */
  readonly isForOneJob?: boolean;
};

export type Embedded = {
  readonly opened: Promise<Client>;
  /** Ends the worker and the coordinator, in this order, and removes what they have written. May be
   *  called before they are open: then what is opened meanwhile goes as well. */
  close(): Promise<void>;
};

/** How long what is being opened may take to notice that it is closed, ms. */
const noticeMs = 3_000;

export function openEmbedded(options: EmbeddedOptions): Embedded {
  const dir = mkdtempSync(join(tmpdir(), "tequio-local-"));
  const cluster = new AsyncDisposableStack();
  const opened = open(dir, options, cluster);
  return {
    opened,
    async close() {
      // What cannot be closed must not keep the directory.
      await cluster.disposeAsync().catch(() => {});
      await Promise.race([opened.catch(() => {}), delay(noticeMs, null, { ref: false })]);
      await rm(dir, { recursive: true, force: true, maxRetries: 5 }).catch(() => {});
    },
  };
}

/** Closes it with the cluster, or at once when that is closed already. */
async function keep(cluster: AsyncDisposableStack, close: () => Promise<void>): Promise<void> {
  if (!cluster.disposed) return cluster.defer(close);
  await close();
  throw new ClusterError("unavailable", "the embedded cluster was closed while it started");
}

/** The task processes of the worker: the first one starts while all else is loaded and opened. */
async function openAhead(
  dir: string,
  { isForOneJob = false, memoryBytes, slots }: EmbeddedOptions,
  sandbox: Promise<Sandbox>,
  cluster: AsyncDisposableStack,
): Promise<Processes> {
  const { openProcesses } = await import("../worker/slot/open-processes.ts");
  const renewsSpare = !isForOneJob;
  const sizes = { dataDir: join(dir, "worker"), memoryBytes, slots, renewsSpare };
  const processes = openProcesses(sizes, await sandbox, null);
  await keep(cluster, () => processes.stop());
  return processes;
}

async function open(
  dir: string,
  options: EmbeddedOptions,
  cluster: AsyncDisposableStack,
): Promise<Client> {
  const { probeSandbox } = await import("../worker/slot/sandbox-node.ts");
  // Its processes start and end while the modules of the coordinator are loaded.
  const sandbox = probeSandbox("auto");
  sandbox.catch(() => {});
  const ahead = options.isPython ? null : openAhead(dir, options, sandbox, cluster);
  // It is being started before the many modules of the coordinator are; its error is thrown below.
  await ahead?.catch(() => {});
  const [{ openCoordinator }, { startWorker }, { connect }, { openMemoryLog }] = await Promise.all([
    import("../coordinator/coordinator.ts"),
    import("../worker/node.ts"),
    import("../sdk/client.ts"),
    import("../store/log/memory.ts"),
  ]);
  const version = packageVersion();
  // Made here, they are not synced to the disk: nothing of them outlives this process.
  for (const name of ["blobs", "logs"]) {
    mkdirSync(join(dir, "coordinator", name), { recursive: true, mode: 0o700 });
  }
  const coordinator = await openCoordinator({
    dataDir: join(dir, "coordinator"),
    log: openMemoryLog(),
    listen: "127.0.0.1:0",
    version,
  });
  await keep(cluster, () => coordinator.close());
  const { url, fingerprint, adminToken } = coordinator;
  const worker = await startWorker({
    url,
    token: await coordinator.joinToken({ ttlMs: 60_000, usesMax: 1 }),
    fingerprint,
    dataDir: join(dir, "worker"),
    storeDir: join(dir, "coordinator", "blobs"),
    slots: options.slots,
    memoryBytes: options.memoryBytes,
    ...(ahead === null ? {} : { python: null, processes: await ahead }),
    name: "local",
    sandbox,
    listen: "127.0.0.1:0",
    version,
  });
  await keep(cluster, () => worker.stop());
  const near = nearBlobs(join(dir, "coordinator"));
  const client = await connect({ url, token: adminToken, fingerprint, ...near });
  await keep(cluster, async () => client.close());
  return client;
}
