/** Task processes that have no slot now, and know the code of a job: when the jobs of several users
 *  take turns, each slot would otherwise start a process at every turn. */
import type { TaskProcess } from "./task-process.ts";

export class Parked {
  readonly #max: number;
  /** The one that was parked last comes last. */
  #processes: TaskProcess[] = [];

  /** `max`: so many are kept. */
  constructor(max: number) {
    this.#max = max;
  }

  /** One that has loaded this code, and is no longer parked; null when there is none. */
  take(code: string, clockMs: number | undefined): TaskProcess | null {
    const found = this.#processes.findLast((one) => one.knows(code, clockMs) && !one.over);
    if (found === undefined) return null;
    this.#processes = this.#processes.filter((one) => one !== found);
    return found;
  }

  /** Ended instead when it holds much of the machine; when there are too many, the one that has
   *  waited longest is. */
  add(process: TaskProcess): void {
    if (process.over) return;
    if (process.loads === 0 || process.isCluttered || process.isHeavy) return void process.kill();
    this.#processes = this.#processes.filter((one) => !one.over);
    this.#processes.push(process);
    if (this.#processes.length > this.#max) void this.#processes.shift()?.kill();
  }

  /** Ends those whose job is over. */
  endIdle(): void {
    for (const one of this.#processes) if (one.job === "") void one.kill();
    this.#processes = this.#processes.filter((one) => one.job !== "");
  }
}
