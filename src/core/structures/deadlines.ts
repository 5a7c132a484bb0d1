/** What falls due when: a binary heap, ordered by time and then by order of entry, so that equal
 *  times are handled in the order in which they were set, also after a snapshot. Entries are never
 *  removed early: the caller that takes one out checks whether it still applies. */

export type Deadline = {
  readonly atMs: number;
  readonly order: number;
} /** The back-off of a task is over. */ & (
  | {
      readonly kind: "backoff";
      readonly job: number;
      readonly stage: number;
      readonly task: number;
    }
  /** A started attempt has had its time and a grace for the worker to say so. */
  | {
      readonly kind: "overdue";
      readonly job: number;
      readonly stage: number;
      readonly task: number;
      readonly attempt: number;
    }
  /** An existing worker has had an attempt for long, and may not have begun it. */
  | {
      readonly kind: "unstarted";
      readonly job: number;
      readonly stage: number;
      readonly task: number;
      readonly attempt: number;
      readonly worker: number;
    }
  /** Time to look for stragglers of a job. */
  | { readonly kind: "stragglers"; readonly job: number }
  /** A token has been useless for long enough. */
  | { readonly kind: "token"; readonly token: string }
  /** A worker that met a full disk may be tried again. */
  | { readonly kind: "pause"; readonly worker: number }
  /** A worker that gave an attempt back may be given others. */
  | { readonly kind: "rest"; readonly worker: number }
);

/** A deadline before it has its place in the order. */
export type NewDeadline = Deadline extends infer D
  ? D extends Deadline
    ? Omit<D, "order">
    : never
  : never;

function before(a: Deadline, b: Deadline): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

export class Deadlines {
  private readonly heap: Deadline[] = [];
  private entered = 0;

  get size(): number {
    return this.heap.length;
  }

  /** How many were ever added: the order of the next one. */
  get enteredCount(): number {
    return this.entered;
  }

  nextMs(): number {
    return this.heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  add(deadline: NewDeadline): void {
    this.insert({ ...deadline, order: this.entered++ } as Deadline);
  }

  /** Takes out the first deadline that is due at `atMs`. */
  takeDue(atMs: number): Deadline | undefined {
    const first = this.heap[0];
    if (first === undefined || first.atMs > atMs) return undefined;
    const last = this.heap.pop() as Deadline;
    if (this.heap.length > 0) this.sink(last);
    return first;
  }

  /** Adds to the time of each what `byMs` gives for it. */
  move(byMs: (deadline: Deadline) => number): void {
    const moved = this.heap.map((one) => ({ ...one, atMs: one.atMs + byMs(one) }));
    this.heap.length = 0;
    for (const deadline of moved) this.insert(deadline);
  }

  save(): { entered: number; list: Deadline[] } {
    return {
      entered: this.entered,
      list: this.heap.slice().sort((a, b) => (before(a, b) ? -1 : 1)),
    };
  }

  static load(saved: { entered: number; list: readonly Deadline[] }): Deadlines {
    const deadlines = new Deadlines();
    for (const deadline of saved.list) deadlines.insert(deadline);
    deadlines.entered = saved.entered;
    return deadlines;
  }

  private insert(deadline: Deadline): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(deadline);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(deadline, heap[parent] as Deadline)) break;
      heap[at] = heap[parent] as Deadline;
      at = parent;
    }
    heap[at] = deadline;
  }

  private sink(deadline: Deadline): void {
    const { heap } = this;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && before(heap[right] as Deadline, heap[child] as Deadline))
        child = right;
      if (!before(heap[child] as Deadline, deadline)) break;
      heap[at] = heap[child] as Deadline;
      at = child;
    }
    heap[at] = deadline;
  }
}
