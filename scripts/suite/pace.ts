/** Decides when a further file of tests starts: many wait for a lease, a pause or a network, and
 *  leave the processors to others meanwhile; on a machine that is busy with other things none is
 *  added. */
import { availableParallelism, cpus } from "node:os";

const processors = availableParallelism();
/** Without idle processors, so many run at once. */
const atOnceLeast = processors;
/** Tests that wait wake up, too: more than these would be in each other's way. */
const atOnceMost = 4 * processors;
/** How often it looks for idle processors, ms: longer than a file takes to be busy. */
export const lookEveryMs = 500;
/** Idle processors, on the average since the last look, that a further file needs. */
const idleLeast = 0.6;

export class Pace {
  #last = taken();

  /** How many files may run now; to be called every `lookEveryMs`. */
  atOnce(running: number): number {
    const now = taken();
    const tookMs = now.atMs - this.#last.atMs;
    // In a container with a share of the processors, what the others do is of no interest.
    const isOurs = cpus().length === processors;
    const idle = isOurs ? processors - (now.busyMs - this.#last.busyMs) / tookMs : 0;
    this.#last = now;
    const most = isOurs ? atOnceMost : atOnceLeast + 1;
    return idle >= idleLeast || !isOurs ? Math.min(most, running + 1) : atOnceLeast;
  }
}

/** Processor time of the whole machine so far: what waits for a disk is idle. */
function taken() {
  const busyMs = cpus().reduce((sum, { times: { irq, nice, sys, user } }) => {
    return sum + irq + nice + sys + user;
  }, 0);
  return { busyMs, atMs: performance.now() };
}
