/** Numbers ordered by a rank that changes: the lowest is found at once, a change costs the
 *  logarithm of their count. Equal ranks are ordered by number, so that the order is the same
 *  however it came about. */

export class Ranking {
  private readonly heap: number[] = [];
  private readonly ranks = new Map<number, number>();
  private readonly places = new Map<number, number>();

  get size(): number {
    return this.heap.length;
  }

  has(member: number): boolean {
    return this.places.has(member);
  }

  /** Adds the member, or changes its rank. */
  set(member: number, rank: number): void {
    const at = this.places.get(member);
    this.ranks.set(member, rank);
    if (at === undefined) {
      this.heap.push(member);
      this.rise(this.heap.length - 1, member);
    } else {
      this.rise(at, member);
      this.sink(this.places.get(member) as number, member);
    }
  }

  /** Nothing happens when it is not there. */
  delete(member: number): void {
    const at = this.places.get(member);
    if (at === undefined) return;
    this.places.delete(member);
    this.ranks.delete(member);
    const last = this.heap.pop() as number;
    if (last === member) return;
    this.rise(at, last);
    this.sink(this.places.get(last) as number, last);
  }

  /** The member of the lowest rank. Ranks may have grown since they were set: `rankOf` gives the
   *  true one, which is never below the one that was set. */
  first(rankOf: (member: number) => number): number | undefined {
    for (;;) {
      const member = this.heap[0];
      if (member === undefined) return undefined;
      const rank = rankOf(member);
      if (rank <= (this.ranks.get(member) as number)) return member;
      this.ranks.set(member, rank);
      this.sink(0, member);
    }
  }

  values(): Iterable<number> {
    return this.heap;
  }

  private isBefore(a: number, b: number): boolean {
    const [rankA, rankB] = [this.ranks.get(a) as number, this.ranks.get(b) as number];
    return rankA < rankB || (rankA === rankB && a < b);
  }

  private put(at: number, member: number): void {
    this.heap[at] = member;
    this.places.set(member, at);
  }

  private rise(from: number, member: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.heap[parent] as number;
      if (!this.isBefore(member, above)) break;
      this.put(at, above);
      at = parent;
    }
    this.put(at, member);
  }

  private sink(from: number, member: number): void {
    const { heap } = this;
    let at = from;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && this.isBefore(heap[right] as number, heap[child] as number)) {
        child = right;
      }
      if (!this.isBefore(heap[child] as number, member)) break;
      this.put(at, heap[child] as number);
      at = child;
    }
    this.put(at, member);
  }
}
