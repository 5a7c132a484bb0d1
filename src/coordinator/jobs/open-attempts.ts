/** The attempts of a job that are ordered and have not ended, by their numbers: texts as keys cost
 *  the coordinator half a microsecond a task. */
import type { AttemptRef, WorkerId } from "../../core/ids.ts";

export type OpenAttempt = AttemptRef & {
  readonly worker: WorkerId;
  readonly fromMs: number;
  readonly backup: boolean;
};

/** Attempts of one task; most have one. */
type Chain = { readonly one: OpenAttempt; readonly others: Chain | null };

export class OpenAttempts {
  /** By stage, then by task. */
  readonly #stages: Map<number, Chain>[] = [];

  add(one: OpenAttempt): void {
    this.#stages[one.stage] ??= new Map();
    const tasks = this.#stages[one.stage] as Map<number, Chain>;
    tasks.set(one.task, { one, others: without(tasks.get(one.task) ?? null, one.attempt) });
  }

  get({ attempt, stage, task }: AttemptRef): OpenAttempt | undefined {
    let chain = this.#stages[stage]?.get(task) ?? null;
    while (chain !== null && chain.one.attempt !== attempt) chain = chain.others;
    return chain?.one;
  }

  /** Whether an attempt of the same task is open whose number is at most a few less, as that of one
   *  that is backed up is. */
  hasBefore({ attempt, stage, task }: AttemptRef): boolean {
    for (let chain = this.#stages[stage]?.get(task) ?? null; chain !== null; chain = chain.others) {
      const older = attempt - chain.one.attempt;
      if (older >= 1 && older <= 3) return true;
    }
    return false;
  }

  delete({ attempt, stage, task }: AttemptRef): void {
    const tasks = this.#stages[stage];
    const left = without(tasks?.get(task) ?? null, attempt);
    if (left === null) tasks?.delete(task);
    else tasks?.set(task, left);
  }

  *values(): Generator<OpenAttempt, void> {
    for (const tasks of this.#stages) {
      for (const first of tasks?.values() ?? []) {
        for (let chain: Chain | null = first; chain !== null; chain = chain.others) yield chain.one;
      }
    }
  }
}

function without(chain: Chain | null, attempt: number): Chain | null {
  if (chain === null) return null;
  if (chain.one.attempt === attempt) return chain.others;
  return { one: chain.one, others: without(chain.others, attempt) };
}
