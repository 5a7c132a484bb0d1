/** The judge of the reduce tasks' input: the bytes that the root names, under names of their own
 *  (X1, X2). */
import { type AttemptRef, attemptKey } from "../../src/core/ids.ts";
import type { Exercised } from "./laws.ts";

export type ShuffleJudgeOptions = {
  readonly breach: (law: string, text: string) => void;
  readonly exercised: Exercised;
};

export class ShuffleJudge {
  readonly #options: ShuffleJudgeOptions;
  /** By root: the partitions as the map task made them. */
  readonly #made = new Map<string, readonly string[]>();
  /** By path: the output that a task process reads under it. */
  readonly #named = new Map<string, string>();

  constructor(options: ShuffleJudgeOptions) {
    this.#options = options;
  }

  made(root: string, partitions: readonly string[]): void {
    this.#made.set(root, partitions);
  }

  /** A link was made for a task process. */
  named(path: string, ref: AttemptRef): void {
    const { breach, exercised } = this.#options;
    const key = attemptKey(ref);
    const before = this.#named.get(path);
    this.#named.set(path, key);
    exercised("X1: a name in a read folder is of one output");
    if (before === undefined || before === key) return;
    breach("X1", `${path} is the output of ${key}, but was that of ${before}`);
  }

  /** The names in a task process's folder when it begins. */
  holds(job: string, names: readonly string[]): void {
    const { breach, exercised } = this.#options;
    if (names.length > 0) exercised("X1: a task process reads files of its job only");
    const other = names.find((name) => !name.startsWith(`${job}.`));
    if (other !== undefined) breach("X1", `a task of ${job} may read ${other}`);
  }

  /** A task has read bytes with another hash, and no output was reported as lost. */
  overlooked(dir: string): void {
    this.#options.breach("X2", `damage was read in ${dir}, but no output was reported as lost`);
  }

  /** A reduce task uses this text as a partition of the output with this root. */
  used(root: string, partition: number, text: string): void {
    const { breach, exercised } = this.#options;
    exercised("X2: a reduce task uses what the root names");
    const made = this.#made.get(root)?.[partition];
    if (made === text) return;
    breach("X2", `partition ${partition} of ${root} was ${made}, but is used as ${text}`);
  }
}
