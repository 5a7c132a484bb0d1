/** A cluster inside this process, for `run --local`: the same coordinator and worker, gone at the
 *  end. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "../../sdk/client.ts";
import { nearBlobs } from "../connection.ts";
import { Interrupted } from "../faults.ts";
import { packageVersion } from "../package-version.ts";

export type EmbeddedOptions = {
  /** Task processes at once. */
  readonly slots: number;
  readonly memoryBytes: number;
  /** The job needs Python, which takes a while to be found. */
  readonly isPython: boolean;
};

/** How long what was under way at Ctrl-C may take to notice, in ms. */
const noticeMs = 3000;

/** Runs `use` against a cluster of its own; everything it made is removed, whatever happens. */
export async function withEmbedded<T>(
  options: EmbeddedOptions,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "tequio-local-"));
  const cluster = new AsyncDisposableStack();
  const { interrupted, release } = onlySignals();
  const work = open(dir, options, cluster).then(use);
  try {
    return await Promise.race([work, interrupted]);
  } finally {
    // What cannot be closed must not keep the directory.
    await cluster.disposeAsync().catch(() => {});
    // After an interruption the work goes on until it misses the cluster.
    await Promise.race([work.catch(() => {}), delay(noticeMs, null, { ref: false })]);
    await rm(dir, { recursive: true, force: true, maxRetries: 5 }).catch(() => {});
    release();
  }
}

/** Closes it with the cluster, or at once after an interruption, which has closed the cluster. */
async function keep(cluster: AsyncDisposableStack, close: () => Promise<void>): Promise<void> {
  if (!cluster.disposed) return cluster.defer(close);
  await close();
  throw new Interrupted();
}

/** Rejects on Ctrl-C while there is no other listener for it: before the job is followed, and
 *  after. */
function onlySignals() {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  const onSignal = (signal: NodeJS.Signals) => {
    if (process.listenerCount(signal) === 1) reject(new Interrupted());
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const release = () => void process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  return { interrupted: promise, release };
}

async function open(
  dir: string,
  options: EmbeddedOptions,
  cluster: AsyncDisposableStack,
): Promise<Client> {
  const [{ openCoordinator }, { startWorker }, { connect }] = await Promise.all([
    import("../../coordinator/coordinator.ts"),
    import("../../worker/node.ts"),
    import("../../sdk/client.ts"),
  ]);
  const version = packageVersion();
  const coordinator = await openCoordinator({
    dataDir: join(dir, "coordinator"),
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
    ...(options.isPython ? {} : { python: null }),
    name: "local",
    sandbox: "auto",
    listen: "127.0.0.1:0",
    version,
  });
  await keep(cluster, () => worker.stop());
  const near = nearBlobs(join(dir, "coordinator"));
  const client = await connect({ url, token: adminToken, fingerprint, ...near });
  return client;
}
