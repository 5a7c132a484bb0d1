/** What Prometheus reads of a coordinator. Gauges are taken from the state at each scrape; counters
 *  and the histogram count since this start, by the events after the replay. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { CoordinatorState } from "../../core/coordinator.ts";
import type { CoordinatorEvent } from "../../core/event.ts";
import { jobId } from "../../core/ids.ts";
import { whyJob } from "../../core/why/why.ts";

/** Jobs whose reason to wait is looked up in one scrape; the oldest first. */
const stalledMax = 200;
const runSeconds = [0.001, 0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600];

export class Metrics {
  readonly #registry = new Registry();
  readonly #tasks = this.#gauge("tasks", "Tasks of running jobs", ["state"]);
  readonly #jobs = this.#gauge("jobs_running", "Jobs that have not ended");
  readonly #workers = this.#gauge("workers", "Connected workers", ["state"]);
  readonly #slots = this.#gauge("slots", "Slots of connected workers", ["state"]);
  readonly #stalls = this.#gauge("jobs_waiting", "Running jobs by what they wait for", ["reason"]);
  readonly #position = this.#gauge("log_position", "Records ever written to the log");
  readonly #attempts = new Counter({
    name: "tequio_attempts_total",
    help: "Attempts that ended",
    labelNames: ["outcome"],
    registers: [this.#registry],
  });
  readonly #lost = new Counter({
    name: "tequio_workers_left_total",
    help: "Workers that left (bye) or were given up (closed, silent)",
    labelNames: ["reason"],
    registers: [this.#registry],
  });
  readonly #run = new Histogram({
    name: "tequio_attempt_seconds",
    help: "Duration of attempts that ended well",
    buckets: runSeconds,
    registers: [this.#registry],
  });

  /** An event that was not replayed. */
  see(event: CoordinatorEvent): void {
    if (event.kind === "worker-lost") this.#lost.inc({ reason: event.reason });
    if (event.kind !== "attempts-reported") return;
    for (const report of event.reports) {
      this.#attempts.inc({ outcome: report.kind });
      if (report.kind === "done") this.#run.observe(report.durationMs / 1_000);
    }
  }

  /** The text of Prometheus, and its content type. */
  async scrape(
    state: CoordinatorState,
    now: { readonly atMs: number; readonly position: number },
  ): Promise<{ readonly text: string; readonly contentType: string }> {
    this.#jobs.set(state.active.size);
    this.#position.set(now.position);
    this.#setTasks(state);
    this.#setWorkers(state);
    this.#stalls.reset();
    for (const number of [...state.active].slice(0, stalledMax)) {
      const [first] = whyJob(state, jobId(number), now.atMs) ?? [];
      if (first !== undefined) this.#stalls.inc({ reason: first.kind });
    }
    const { contentType } = this.#registry;
    return { text: await this.#registry.metrics(), contentType };
  }

  #setTasks(state: CoordinatorState): void {
    const sum = { waiting: 0, ready: 0, running: 0, done: 0 };
    for (const number of state.active) {
      for (const { counts } of state.jobs.get(number)?.stages ?? []) {
        sum.waiting += counts.waiting;
        sum.ready += counts.ready;
        sum.running += counts.running;
        sum.done += counts.done;
      }
    }
    for (const [name, count] of Object.entries(sum)) this.#tasks.set({ state: name }, count);
  }

  #setWorkers(state: CoordinatorState): void {
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
    for (const [name, count] of Object.entries(workers)) this.#workers.set({ state: name }, count);
    for (const [name, count] of Object.entries(slots)) this.#slots.set({ state: name }, count);
  }

  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name: `tequio_${name}`, help, labelNames, registers: [this.#registry] });
  }
}
