/** A cluster inside this process, for `run --local`, which goes at its end or at Ctrl-C. */
import { setTimeout as delay } from "node:timers/promises";
import { type EmbeddedOptions, openEmbedded } from "../../client/embedded.ts";
import type { Client } from "../../sdk/client.ts";
import { Interrupted } from "../faults.ts";

/** How long what was under way at Ctrl-C may take to notice, in ms. */
const noticeMs = 3000;

/** Runs `use`, which submits one job, against a cluster of its own; everything it made is removed,
 *  whatever happens. */
export async function withEmbedded<T>(
  options: EmbeddedOptions,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const cluster = openEmbedded({ ...options, isForOneJob: true });
  const { interrupted, release } = onlySignals();
  const work = cluster.opened.then(use);
  try {
    return await Promise.race([work, interrupted]);
  } finally {
    await cluster.close();
    // After an interruption the work goes on until it misses the cluster.
    await Promise.race([work.catch(() => {}), delay(noticeMs, null, { ref: false })]);
    release();
  }
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
