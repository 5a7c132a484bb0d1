/** Ready tasks of a stage, one first-in-first-out queue per place that holds their input.
 *
 *  A task index is in at most one queue; removal from the middle is lazy (the caller checks the
 *  state). */

/** A FIFO of small integers that reuses its array. */
export class IntQueue {
  private items: number[] = [];
  private head = 0;

  get size(): number {
    return this.items.length - this.head;
  }

  push(item: number): void {
    this.items.push(item);
  }

  /** To be taken out next. */
  unshift(item: number): void {
    if (this.head === 0) this.items.unshift(item);
    else this.items[--this.head] = item;
  }

  shift(): number | undefined {
    const item = this.items[this.head];
    if (item === undefined) return undefined;
    this.head++;
    // Half dead: copy once, so that memory follows the live part at constant cost per item.
    if (this.head > 1024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  /** Takes out all others. */
  keep(keeps: (item: number) => boolean): void {
    this.items = this.toArray().filter(keeps);
    this.head = 0;
  }

  toArray(): number[] {
    return this.items.slice(this.head);
  }

  count(counts: (item: number) => boolean): number {
    let count = 0;
    for (let at = this.head; at < this.items.length; at++) {
      if (counts(this.items[at] as number)) count++;
    }
    return count;
  }

  static from(items: readonly number[]): IntQueue {
    const queue = new IntQueue();
    queue.items = items.slice();
    return queue;
  }
}
