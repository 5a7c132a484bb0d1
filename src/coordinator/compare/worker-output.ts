/** Reads what a worker keeps, for those that cannot reach it: browsers, and workers behind another
 *  network. */
import { ClusterError } from "../../core/error.ts";
import type { AttemptRef, WorkerId } from "../../core/ids.ts";
import { workerSpecs } from "../../core/view.ts";
import { sourceKey, ticketText } from "../../peer/shuffle/ticket.ts";
import { shuffleTicketMs } from "../edges/worker/orders.ts";
import type { Services } from "../services.ts";

export type Reading = Pick<Services, "keys" | "loop" | "relay" | "shuffle" | "stored">;

/** Time limit for one partition from a worker, ms. */
const readMs = 300_000;

/** The manifest, or a partition, of an output that `holder` has; not verified. Throws `not-found`
 *  when it has none that others can read, and what `ShuffleClient` throws. */
export async function* workerOutput(
  { keys, loop, shuffle }: Reading,
  of: { readonly ref: AttemptRef; readonly holder: WorkerId; readonly part: number | "manifest" },
): AsyncGenerator<Uint8Array, void> {
  const { holder, part, ref } = of;
  const address = workerSpecs(loop.state, holder)?.exchangeUrl ?? "";
  if (address === "") throw goneOutput(ref.task);
  const { attempt, job, stage, task } = ref;
  const expiresMs = Math.ceil(loop.steadyMs()) + shuffleTicketMs;
  const scope = { job, stage, requester: "coordinator", expiresMs };
  const ticket = ticketText(sourceKey(keys.exchangeSecret(job), holder), scope);
  const options = { limitMs: readMs, signal: AbortSignal.timeout(readMs) };
  const from = { address, ticket, job, stage };
  for await (const chunk of shuffle.read(from, { task, attempt, part }, options)) {
    // Copied: the sender may hold several at once.
    yield Uint8Array.from(chunk);
  }
}

export function goneOutput(task: number): ClusterError {
  return new ClusterError("not-found", `the output of map task ${task} is no longer here`);
}
