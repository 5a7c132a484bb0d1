/** What follows an operator that makes pairs: of all of them, which are in one partition, the first
 *  ones. */
import { Arena, compareBytes } from "../../wire/block/arena.ts";
import { compareNumbers, type ExactNumber } from "../../wire/block/decimal.ts";
import { type Key, writeKey } from "../../wire/block/key.ts";
import type { LastSpec } from "../../wire/block/plan.ts";
import { type Part, PartWriter } from "../kernels/output.ts";
import { type ReduceTask, type RowWriter, runReduce } from "../task/reduce-task.ts";

type Pair = { readonly key: Key; readonly value: ExactNumber };

export function reduceLast(task: ReduceTask, last: LastSpec): Part {
  const part = new PartWriter(`${task.out}.part`, task.job.options.output ?? "ndjson");
  return runReduce(task, new TopRows(part, last));
}

/** Keeps the best pairs: twice as many as are asked for before it forgets again, so that each costs
 *  little. */
class TopRows implements RowWriter {
  readonly #part: PartWriter;
  readonly #count: number;
  readonly #sign: number;
  #pairs: Pair[] = [];
  /** A pair that is worse than so many good ones is not even kept. */
  #worst: Pair | null = null;

  constructor(part: PartWriter, { count, order }: LastSpec) {
    this.#part = part;
    this.#count = count;
    this.#sign = order === "ascending" ? 1 : -1;
  }

  row(key: Key, value: unknown): void {
    const pair = { key, value: value as ExactNumber };
    if (this.#worst !== null && this.#compare(pair, this.#worst) > 0) return;
    this.#pairs.push(pair);
    if (this.#pairs.length >= 2 * this.#count + 1024) this.#forget();
  }

  finish(): Part {
    this.#forget();
    for (const { key, value } of this.#pairs) this.#part.row(key, value, "topK");
    return this.#part.finish();
  }

  discard(): void {
    this.#part.discard();
  }

  #forget(): void {
    this.#pairs.sort((a, b) => this.#compare(a, b));
    this.#pairs.length = Math.min(this.#pairs.length, this.#count);
    if (this.#pairs.length === this.#count) this.#worst = this.#pairs.at(-1) ?? null;
  }

  #compare(a: Pair, b: Pair): number {
    const order = this.#sign * compareNumbers(a.value, b.value);
    return order || compareBytes(bytesOf(a.key), bytesOf(b.key));
  }
}

function bytesOf(key: Key): Uint8Array {
  const arena = new Arena(64);
  writeKey(arena, key, "topK");
  return arena.view();
}
