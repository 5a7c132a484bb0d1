/** Which event moved which attempt: the newest moves of all jobs, to answer why a task is where it
 *  is. Fed by the loop beside the core, kept in memory, and after a restart as far as the log goes
 *  back. No decision depends on it. */
import type { Effect } from "../../core/effect.ts";
import type { CoordinatorEvent } from "../../core/event.ts";
import { type AttemptRef, idNumber, type JobId, workerId } from "../../core/ids.ts";
import { causeKinds, moveKinds, type TaskHistory, type TaskMove } from "../../core/why/history.ts";

/** Of all jobs together; a move takes `columns` numbers of 8 bytes. */
const movesMax = 100_000;
const columns = 10;
/** In one answer; the newest. */
const answerMax = 1_000;
const ofAll = -1;

type Cause = { readonly event: number; readonly kind: number; readonly worker: number };
type Where = Pick<AttemptRef, "stage" | "task" | "attempt"> & { readonly job: number };

export class TaskMoves {
  readonly #max: number;
  readonly #cells: Float64Array;
  /** Moves so far. */
  #count = 0;

  constructor(max = movesMax) {
    this.#max = max;
    this.#cells = new Float64Array(max * columns);
  }

  /** Everything that happens, in order, with what the core made of it. `position`: in the log. */
  see(event: CoordinatorEvent, effects: readonly Effect[], position: number): void {
    const { atMs } = event;
    const cause = causeOf(event, effects, position);
    if (event.kind === "attempts-reported") {
      const [job, worker] = [idNumber(event.job), idNumber(event.worker)];
      for (const { attempt, kind, task } of event.reports) {
        const where = { job, stage: event.stage, task, attempt };
        this.#add(kind, where, { worker, atMs, cause });
      }
    } else if (event.kind === "worker-lost") {
      // All that it holds: found later, from what it was assigned.
      const where = { job: ofAll, stage: ofAll, task: ofAll, attempt: ofAll };
      this.#add("lost", where, { worker: idNumber(event.worker), atMs, cause });
    }
    for (const effect of effects) this.#ordered(effect, atMs, cause);
  }

  /** Of a job, or of one of its tasks; oldest first. */
  of(job: JobId, only: { readonly stage: number; readonly task: number } | null): TaskHistory {
    const number = idNumber(job);
    const found: TaskMove[] = [];
    /** By worker: attempts without an end. */
    const open = new Map<number, Map<string, TaskMove>>();
    for (let at = Math.max(0, this.#count - this.#max); at < this.#count; at++) {
      const row = (at % this.#max) * columns;
      const ofJob = this.#cell(row, 3);
      const worker = this.#cell(row, 7);
      const held = open.get(worker);
      if (ofJob === ofAll) {
        for (const move of held?.values() ?? []) found.push({ ...this.#move(row), ...whose(move) });
        open.delete(worker);
        continue;
      }
      const isOfTask = only === null || this.#isOf(row, only);
      if (ofJob !== number || !isOfTask) continue;
      const move = this.#move(row);
      found.push(move);
      const key = `${move.stage}/${move.task}/${move.attempt}`;
      if (move.kind === "assigned") {
        if (held === undefined) open.set(worker, new Map([[key, move]]));
        else held.set(key, move);
      } else if (move.kind !== "asked-back") held?.delete(key);
    }
    const partial = this.#count > this.#max || found.length > answerMax;
    return { moves: found.slice(-answerMax), partial };
  }

  #ordered(effect: Effect, atMs: number, cause: Cause): void {
    if (effect.kind === "assign") {
      const [job, worker] = [idNumber(effect.job), idNumber(effect.worker)];
      const { stage } = effect;
      for (const { attempt, task } of effect.attempts) {
        this.#add("assigned", { job, stage, task, attempt }, { worker, atMs, cause });
      }
    } else if (effect.kind === "abort" || effect.kind === "take-back") {
      const kind = effect.kind === "abort" ? "stopped" : "asked-back";
      const worker = idNumber(effect.worker);
      for (const { attempt, job, stage, task } of effect.attempts) {
        const where = { job: idNumber(job), stage, task, attempt };
        this.#add(kind, where, { worker, atMs, cause });
      }
    }
  }

  #add(
    kind: TaskMove["kind"],
    { attempt, job, stage, task }: Where,
    of: { readonly worker: number; readonly atMs: number; readonly cause: Cause },
  ): void {
    const { atMs, cause, worker } = of;
    const row = (this.#count % this.#max) * columns;
    const cells = this.#cells;
    cells[row] = cause.event;
    cells[row + 1] = atMs;
    cells[row + 2] = moveKinds.indexOf(kind);
    cells[row + 3] = job;
    cells[row + 4] = stage;
    cells[row + 5] = task;
    cells[row + 6] = attempt;
    cells[row + 7] = worker;
    cells[row + 8] = cause.kind;
    cells[row + 9] = cause.worker;
    this.#count++;
  }

  #cell(row: number, column: number): number {
    return this.#cells[row + column] as number;
  }

  #isOf(row: number, of: { readonly stage: number; readonly task: number }): boolean {
    return this.#cell(row, 4) === of.stage && this.#cell(row, 5) === of.task;
  }

  #move(row: number): TaskMove {
    const causeWorker = this.#cell(row, 9);
    return {
      atMs: this.#cell(row, 1),
      kind: moveKinds[this.#cell(row, 2)] ?? "assigned",
      stage: this.#cell(row, 4),
      task: this.#cell(row, 5),
      attempt: this.#cell(row, 6),
      worker: workerId(this.#cell(row, 7)),
      cause: {
        event: this.#cell(row, 0),
        kind: causeKinds[this.#cell(row, 8)] ?? "other",
        worker: causeWorker === 0 ? null : workerId(causeWorker),
      },
    };
  }
}

function whose({ attempt, stage, task }: TaskMove): Pick<TaskMove, "attempt" | "stage" | "task"> {
  return { attempt, stage, task };
}

function causeOf(event: CoordinatorEvent, effects: readonly Effect[], position: number): Cause {
  const kind = Math.max(0, (causeKinds as readonly string[]).indexOf(event.kind));
  // A new worker has its id from the answer.
  const isNew = event.kind === "worker-joined" && event.worker === null;
  const reply = isNew ? effects.find((effect) => effect.kind === "reply") : undefined;
  const worker = reply?.value.worker ?? ("worker" in event ? event.worker : null);
  return { event: position, kind, worker: worker === null ? 0 : idNumber(worker) };
}
