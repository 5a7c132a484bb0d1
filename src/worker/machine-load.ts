/** How busy the processors of this machine are, for people who look at a worker. */
import { cpus } from "node:os";
import type { WorkerTimers } from "./executor.ts";

/** Time of all cores together since the machine's start, ms; `busyMs` is part of it. */
export type CpuTime = { readonly busyMs: number; readonly allMs: number };

const everyMs = 2_000;
/** A change of less is not worth a message. */
const least = 0.03;

/** Calls `changed` with the share of the last seconds, 0 to 1, at first and whenever it has moved.
 *  Returns what ends it. Where the system does not tell, as in some sandboxes, nothing is
 *  called. */
export function watchLoad(
  { after }: Pick<WorkerTimers, "after">,
  changed: (share: number) => void,
  read: () => CpuTime = machineTime,
): () => void {
  let before = read();
  let shown: number | null = null;
  let cancel = after(everyMs, look);
  function look(): void {
    cancel = after(everyMs, look);
    const now = read();
    const allMs = now.allMs - before.allMs;
    if (allMs <= 0) return;
    const share = Math.min(1, Math.max(0, (now.busyMs - before.busyMs) / allMs));
    before = now;
    if (shown !== null && Math.abs(share - shown) < least) return;
    shown = share;
    changed(share);
  }
  return () => cancel();
}

function machineTime(): CpuTime {
  let [busyMs, allMs] = [0, 0];
  for (const { times } of cpus()) {
    const all = times.user + times.nice + times.sys + times.irq + times.idle;
    allMs += all;
    busyMs += all - times.idle;
  }
  return { busyMs, allMs };
}
