/** How much was simulated, and how often each fault really happened: a simulation that never
 *  crashes anything proves nothing. */
import type { SimResult } from "./cluster.ts";
import { faultRates } from "./faults.ts";
import { simulatedLaws } from "./judges/laws.ts";

/** Consequences that faults must have, now and then; otherwise the faults are harmless. */
export const consequences = [
  "jobs of equal code at once",
  "jobs of several owners at once",
  "relay: output kept",
  "relay: disk full",
  "leaving: output handed over",
  "crash: output being written to the relay lost",
  "worker: no space left",
  "attempt met a full disk",
  "reduce: damage noticed on the own disk",
  "reduce: damage noticed after the wire",
];

export class Tally {
  seeds = 0;
  clusterMs = 0;
  events = 0;
  faults = 0;
  /** Seeds in which a law was broken. */
  failed = 0;
  readonly counts = new Map<string, number>();

  constructor() {
    const known = [...Object.keys(faultRates), ...consequences, ...simulatedLaws];
    for (const what of known) this.counts.set(what, 0);
  }

  get hours(): number {
    return this.clusterMs / 3_600_000;
  }

  add(result: SimResult): void {
    this.seeds += 1;
    this.clusterMs += result.clusterMs;
    this.events += result.events;
    for (const [what, count] of result.coverage) {
      this.counts.set(what, (this.counts.get(what) ?? 0) + count);
      if (Object.hasOwn(faultRates, what)) this.faults += count;
    }
  }

  /** `cpuS`: processor time used, s. */
  summary(cpuS: number): string {
    const perMinute = Math.round((this.hours / cpuS) * 60);
    const parts = [
      `${this.seeds} seeds`,
      `${this.failed} failed`,
      `${this.hours.toFixed(1)} cluster hours`,
      `${this.events} events`,
      `${Math.round(this.faults / Math.max(1, this.seeds))} faults a seed`,
      `${cpuS.toFixed(1)} s of CPU`,
      `${perMinute} cluster hours a CPU minute`,
    ];
    return parts.join(", ");
  }
}

/** How often each fault happened, what they led to, and how often each law could have been broken
 *  when it was checked. */
export function coverageTable(tally: Tally): string {
  const laws: ReadonlySet<string> = new Set(simulatedLaws);
  const rows = (areLaws: boolean) => {
    const chosen = [...tally.counts].filter(([what]) => laws.has(what) === areLaws);
    return chosen.map(([what, count]) => `  ${String(count).padStart(9)}  ${what}`);
  };
  return [...rows(false), "  laws exercised:", ...rows(true)].join("\n");
}
