/** What Prometheus reads of a coordinator. Gauges are taken from the state at each scrape; counters
 *  and the histogram count since this start, by the events after the replay. */
import type { Gauge, Metric } from "prom-client";
import type { CoordinatorState } from "../../core/coordinator.ts";
import type { CoordinatorEvent } from "../../core/event.ts";
import { jobId } from "../../core/ids.ts";
import { whyJob } from "../../core/why/why.ts";

/** Jobs whose reason to wait is looked up in one scrape; the oldest first. */
const stalledMax = 200;
const runSeconds = [0.001, 0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600];

export class Metrics {
  readonly #attempts = new Map<string, number>();
  readonly #left = new Map<string, number>();
  /** Attempts that ended well, by the first of `runSeconds` that they fit; the last are longer. */
  readonly #runs = new Array<number>(runSeconds.length + 1).fill(0);
  #runSumS = 0;

  /** An event that was not replayed. */
  see(event: CoordinatorEvent): void {
    if (event.kind === "worker-lost") count(this.#left, event.reason);
    if (event.kind !== "attempts-reported") return;
    for (const report of event.reports) {
      count(this.#attempts, report.kind);
      if (report.kind === "done") this.#time(report.durationMs / 1_000);
    }
  }

  #time(seconds: number): void {
    const fits = runSeconds.findIndex((most) => seconds <= most);
    const at = fits === -1 ? runSeconds.length : fits;
    this.#runs[at] = (this.#runs[at] as number) + 1;
    this.#runSumS += seconds;
  }

  /** The text of Prometheus, and its content type. */
  async scrape(
    state: CoordinatorState,
    now: { readonly atMs: number; readonly position: number },
  ): Promise<{ readonly text: string; readonly contentType: string }> {
    // Only here: the library takes longer to load than much else of a start, and few are scraped.
    const { Counter, Gauge, Registry } = await import("prom-client");
    const registry = new Registry();
    const registers = [registry];
    const gauge = (name: string, help: string, labelNames: string[] = []) =>
      new Gauge({ name: `tequio_${name}`, help, labelNames, registers });
    const counter = (name: string, help: string, label: string, counts: Map<string, number>) => {
      const one = new Counter({ name: `tequio_${name}`, help, labelNames: [label], registers });
      for (const [value, total] of counts) one.inc({ [label]: value }, total);
    };
    setTasks(gauge("tasks", "Tasks of running jobs", ["state"]), state);
    gauge("jobs_running", "Jobs that have not ended").set(state.active.size);
    setWorkers(
      gauge("workers", "Connected workers", ["state"]),
      gauge("slots", "Slots of connected workers", ["state"]),
      state,
    );
    const stalls = gauge("jobs_waiting", "Running jobs by what they wait for", ["reason"]);
    for (const number of [...state.active].slice(0, stalledMax)) {
      const [first] = whyJob(state, jobId(number), now.atMs) ?? [];
      if (first !== undefined) stalls.inc({ reason: first.kind });
    }
    gauge("log_position", "Records ever written to the log").set(now.position);
    counter("attempts_total", "Attempts that ended", "outcome", this.#attempts);
    const left = "Workers that left (bye) or were given up (closed, silent)";
    counter("workers_left_total", left, "reason", this.#left);
    registry.registerMetric(this.#histogram() as unknown as Metric);
    return { text: await registry.metrics(), contentType: registry.contentType };
  }

  /** A metric as the library reads one: its own histogram can only be filled value by value. */
  #histogram() {
    const name = "tequio_attempt_seconds";
    let sum = 0;
    const buckets = this.#runs.map((found, at) => {
      sum += found;
      return { metricName: `${name}_bucket`, labels: { le: runSeconds[at] ?? "+Inf" }, value: sum };
    });
    const rest = [
      { metricName: `${name}_sum`, labels: {}, value: this.#runSumS },
      { metricName: `${name}_count`, labels: {}, value: sum },
    ];
    const help = "Duration of attempts that ended well";
    return {
      name,
      get: async () => ({ name, help, type: "histogram", values: [...buckets, ...rest] }),
    };
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function setTasks(tasks: Gauge, state: CoordinatorState): void {
  const sum = { waiting: 0, ready: 0, running: 0, done: 0 };
  for (const number of state.active) {
    for (const { counts } of state.jobs.get(number)?.stages ?? []) {
      sum.waiting += counts.waiting;
      sum.ready += counts.ready;
      sum.running += counts.running;
      sum.done += counts.done;
    }
  }
  for (const [name, count] of Object.entries(sum)) tasks.set({ state: name }, count);
}

function setWorkers(byState: Gauge, slotsByState: Gauge, state: CoordinatorState): void {
  const workers = { ready: 0, paused: 0, leaving: 0 };
  const slots = { busy: 0, free: 0 };
  for (const { leases, live, pause, specs } of state.workers.values()) {
    if (!live) continue;
    const how = pause === null ? "ready" : pause.isLeaving === true ? "leaving" : "paused";
    workers[how] += 1;
    const busy = Math.min(specs.slots, leases.size);
    slots.busy += busy;
    slots.free += specs.slots - busy;
  }
  for (const [name, count] of Object.entries(workers)) byState.set({ state: name }, count);
  for (const [name, count] of Object.entries(slots)) slotsByState.set({ state: name }, count);
}
