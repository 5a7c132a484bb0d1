/** A worker's state machine for tests: the test feeds it events, advances the time by hand, and
 *  inspects the effects. */
import type { AttemptReport } from "../event.ts";
import type { AttemptRef } from "../ids.ts";
import type { StageKind } from "../job.ts";
import {
  defaultRules,
  newWorkerState,
  nextWakeMs,
  step,
  type WorkerEffect,
  type WorkerEvent,
  type WorkerRules,
} from "../worker.ts";

type NoTime<E> = E extends unknown ? Omit<E, "atMs"> : never;
type EffectOf<K extends WorkerEffect["kind"]> = Extract<WorkerEffect, { kind: K }>;

export class WorkerScript {
  atMs = 0;
  readonly state;
  effects: WorkerEffect[] = [];

  constructor(rules: Partial<WorkerRules> = {}) {
    this.state = newWorkerState({ ...defaultRules, ...rules });
  }

  tell(event: NoTime<WorkerEvent>): WorkerEffect[] {
    this.effects = step(this.state, { ...event, atMs: this.atMs } as WorkerEvent);
    return this.effects;
  }

  /** Lets time pass, waking whenever the state asks for it. */
  pass(ms: number): WorkerEffect[] {
    const untilMs = this.atMs + ms;
    let all: WorkerEffect[] = [];
    for (let turns = 0; nextWakeMs(this.state) <= untilMs; turns++) {
      if (turns >= 1_000) throw new Error("time stands still");
      this.atMs = Math.max(this.atMs, nextWakeMs(this.state));
      all = all.concat(this.tell({ kind: "time-passed", chance: 0 }));
    }
    this.atMs = untilMs;
    this.effects = all;
    return all;
  }

  join(leaseMs = 1_000, heartbeatMs = 300): WorkerEffect[] {
    this.pass(0);
    this.tell({ kind: "link-opened" });
    const joined = this.effects;
    this.tell({ kind: "welcomed", leaseMs, heartbeatMs });
    const { effects } = this;
    this.tell({ kind: "heard", sentAtMs: this.atMs });
    return [...joined, ...effects, ...this.effects];
  }

  open(job: `j-${number}`, ...stageKinds: StageKind[]): void {
    this.tell({ kind: "job-opened", job, stageKinds });
  }

  assign(attempts: readonly AttemptRef[], timeoutMs = 0): WorkerEffect[] {
    return this.tell({ kind: "assigned", attempts, timeoutMs });
  }

  of<K extends WorkerEffect["kind"]>(kind: K): EffectOf<K>[] {
    return this.effects.filter((effect) => effect.kind === kind) as EffectOf<K>[];
  }

  report(run: number, ...reports: AttemptReport[]): WorkerEffect[] {
    return this.tell({ kind: "run-reported", run, reports });
  }
}

export function ref(task: number, over: Partial<AttemptRef> = {}): AttemptRef {
  return { job: "j-1", stage: 0, task, attempt: 1, ...over };
}

export function refs(count: number): AttemptRef[] {
  return Array.from({ length: count }, (_, task) => ref(task));
}

export function done(task: number, durationMs = 1): AttemptReport {
  const output = { root: "", sizeBytes: 1, records: 1, value: String(task) };
  return { kind: "done", task, attempt: 1, durationMs, output };
}

export function joined(rules: Partial<WorkerRules> = {}, ...kinds: StageKind[]): WorkerScript {
  const script = new WorkerScript(rules);
  script.join();
  script.open("j-1", ...(kinds.length === 0 ? (["tasks"] as const) : kinds));
  return script;
}

/** A job whose attempts are known to be short, so that batches are made. */
export function withShortTasks(rules: Partial<WorkerRules> = {}): WorkerScript {
  const script = joined(rules);
  script.assign([ref(1_000)]);
  script.report(1, done(1_000, 0.01));
  script.tell({ kind: "reports-acked", batch: 1 });
  return script;
}
