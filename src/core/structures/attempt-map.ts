/** A map by attempt. Apart from `Map`, since a text for each attempt of a long list of short tasks
 *  costs more than all else that a worker decides about it. */
import type { AttemptRef, JobId } from "../ids.ts";

/** In a stage: the index of a task stands for its first attempt. */
type Key = number | string;

type Stage<V> = { readonly job: JobId; readonly stage: number; readonly values: Map<Key, V> };

function keyOf({ task, attempt }: AttemptRef): Key {
  return attempt === 1 ? task : `${task}#${attempt}`;
}

export class AttemptMap<V> {
  readonly #stages = new Map<string, Stage<V>>();
  /** Nearly always the same as before. */
  #last: Stage<V> | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(ref: AttemptRef): V | undefined {
    return this.#of(ref)?.values.get(keyOf(ref));
  }

  has(ref: AttemptRef): boolean {
    return this.#of(ref)?.values.has(keyOf(ref)) ?? false;
  }

  set(ref: AttemptRef, value: V): void {
    const { values } = this.#of(ref) ?? this.#opened(ref);
    const before = values.size;
    values.set(keyOf(ref), value);
    this.#size += values.size - before;
  }

  /** False when it was not there. */
  delete(ref: AttemptRef): boolean {
    const found = this.#of(ref);
    if (found === null || !found.values.delete(keyOf(ref))) return false;
    this.#size -= 1;
    if (found.values.size === 0) {
      this.#stages.delete(nameOf(ref));
      this.#last = null;
    }
    return true;
  }

  /** Stage by stage, each in the order in which its attempts were set. What is deleted meanwhile is
   *  left out. */
  *values(): IterableIterator<V> {
    for (const { values } of this.#stages.values()) yield* values.values();
  }

  #of(ref: AttemptRef): Stage<V> | null {
    const last = this.#last;
    if (last !== null && last.stage === ref.stage && last.job === ref.job) return last;
    const found = this.#stages.get(nameOf(ref)) ?? null;
    if (found !== null) this.#last = found;
    return found;
  }

  #opened(ref: AttemptRef): Stage<V> {
    const { job, stage } = ref;
    const opened: Stage<V> = { job, stage, values: new Map() };
    this.#stages.set(nameOf(ref), opened);
    this.#last = opened;
    return opened;
  }
}

function nameOf({ job, stage }: AttemptRef): string {
  return `${job}/${stage}`;
}
