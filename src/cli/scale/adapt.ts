/** The loop of `tequio scale`: looks, decides, and asks the scheduler. */
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import type { JobSummary, WorkerSummary } from "../../core/summary.ts";
import { plural } from "../numbers.ts";
import { loadOf, type ScaleLimits, ScalePlan } from "./plan.ts";
import type { Scheduler, Unit } from "./scheduler.ts";

/** What the loop asks of a coordinator. */
export type Watched = {
  runningJobs(): Promise<readonly JobSummary[]>;
  workers(): Promise<readonly WorkerSummary[]>;
};

export type Step = {
  readonly wanted: number;
  readonly pending: number;
  readonly running: number;
  /** Asked for now, or taken back (below 0). */
  readonly change: number;
};

export type AdaptOptions = {
  readonly limits: ScaleLimits;
  readonly everyMs: number;
  readonly signal: AbortSignal;
  /** After each step that changes something, and for problems, which pass or are tried again. */
  readonly stepped: (step: Step) => void;
  readonly failed: (error: ClusterError) => void;
};

/** Until the signal. */
export async function adapt(
  cluster: Watched,
  scheduler: Scheduler,
  options: AdaptOptions,
): Promise<void> {
  const plan = new ScalePlan(options.limits);
  const { signal } = options;
  while (!signal.aborted) {
    try {
      await step(cluster, scheduler, { ...options, plan });
    } catch (error) {
      // A coordinator or a scheduler that is away comes back.
      if (!(error instanceof ClusterError) || !error.retryable) throw error;
      options.failed(error);
    }
    await delay(options.everyMs, null, { signal }).catch(() => {});
  }
}

async function step(
  cluster: Watched,
  scheduler: Scheduler,
  { limits, plan, stepped }: AdaptOptions & { plan: ScalePlan },
): Promise<void> {
  const [jobs, workers, units] = await Promise.all([
    cluster.runningJobs(),
    cluster.workers(),
    scheduler.units(),
  ]);
  const live = workers.filter(({ state }) => state === "live");
  const names = new Set(units.map(({ worker }) => worker));
  const others = live.filter(({ name, paused }) => !names.has(name) && paused === "");
  const otherSlots = others.reduce((sum, { slots }) => sum + slots, 0);
  const wanted = plan.decide(loadOf(jobs, otherSlots), performance.now());
  const own = units.filter(({ state }) => state !== "leaving");
  // Those that leave may still run: with them, too, there are never more than was asked for.
  const missing = Math.min(wanted - own.length, limits.max - units.length);
  const taken = Math.max(0, own.length - wanted);
  const asked = missing > 0 ? await scheduler.start(missing) : 0;
  if (taken > 0) await scheduler.end(leastBusy(own, live).slice(0, taken));
  if (asked === 0 && taken === 0) return;
  const pending = own.filter(({ state }) => state === "pending").length;
  stepped({ wanted, pending, running: own.length - pending, change: asked - taken });
}

/** Those that have not begun first, then those that have nothing to do. */
function leastBusy(units: readonly Unit[], live: readonly WorkerSummary[]): Unit[] {
  const busy = new Map(live.map(({ name, queued = 0, running }) => [name, running + queued]));
  const cost = ({ state, worker }: Unit) => (state === "pending" ? -1 : (busy.get(worker) ?? 0));
  return units.toSorted((a, b) => cost(a) - cost(b));
}

export function stepText({ change, pending, running, wanted }: Step): string {
  const has = `${plural(running, "worker")} and ${pending} pending, ${wanted} wanted`;
  return change > 0
    ? `${has}: asking for ${change} more`
    : `${has}: taking back ${-change}, the least busy first`;
}
