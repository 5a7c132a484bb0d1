/** `join`: both sides are shuffled by the column, and in each partition merged by it.
 *
 *  The key of a row is [column, side]: of each column the rows of the right come first, in their
 *  order, and are kept (on the disk when they are many), then those of the left pass. */
import { Arena } from "../../wire/block/arena.ts";
import { type Key, writeKey } from "../../wire/block/key.ts";
import { partitionOf } from "../../wire/block/partition.ts";
import type { JoinSpec, OperatorSpec } from "../../wire/block/plan.ts";
import { pairFormat } from "../../wire/block/row.ts";
import { type Part, PartWriter } from "../kernels/output.ts";
import type { MapReduceJob } from "../task/job.ts";
import { type ReduceTask, type RowWriter, runReduce } from "../task/reduce-task.ts";
import { columnKey } from "./columns.ts";
import { KeptRows } from "./kept-rows.ts";
import { jobOf, type OperatorKernel } from "./operator.ts";

const right = 0;
const left = 1;

type Sided = readonly [key: Key, side: number];

export function joinKernel(operator: OperatorSpec, apply: JoinSpec): OperatorKernel {
  const scratch = new Arena(64);
  const partition = ([key]: Sided, count: number) => {
    scratch.length = 0;
    writeKey(scratch, key, "join");
    return partitionOf(scratch.view(), count);
  };
  const mapOf = (_: unknown, name: string) => {
    const side = name === "left" ? left : right;
    const column = name === "left" ? apply.on.left : apply.on.right;
    return (record: never, emit: (key: Key, row: unknown) => void) => {
      emit([columnKey(record, column), side], record);
    };
  };
  const job = jobOf(operator, mapOf, { partition: partition as never });
  return { job, reduce: (task) => new Joining(task, apply).run() };
}

class Joining {
  readonly #task: ReduceTask;
  readonly #keepsLeft: boolean;
  readonly #keepsRight: boolean;
  readonly #part: PartWriter;
  /** Rows of the right with the key at hand. */
  readonly #rights: KeptRows;
  readonly #encoded = new Arena(64);
  /** The key at hand, and its bytes; null before the first. */
  #key: Key = null;
  #keyBytes: Buffer | null = null;
  #isMatched = false;

  constructor(task: ReduceTask, { kind }: JoinSpec) {
    this.#task = task;
    this.#keepsLeft = kind === "left" || kind === "outer";
    this.#keepsRight = kind === "right" || kind === "outer";
    this.#part = new PartWriter(`${task.out}.part`, pairFormat(task.job.options.output));
    this.#rights = new KeptRows(`${task.out}.join`);
  }

  run(): Part {
    const reduce = ([key, side]: Sided, rows: Iterable<unknown>) => this.#group(key, side, rows);
    const options = { ...this.#task.job.options, reduce: reduce as never };
    const job: MapReduceJob = { ...this.#task.job, options };
    const part: RowWriter = {
      row: () => {},
      finish: () => {
        this.#end();
        return this.#part.finish();
      },
      discard: () => this.#part.discard(),
    };
    try {
      return runReduce({ ...this.#task, job }, part);
    } finally {
      this.#rights.discard();
    }
  }

  #group(key: Key, side: number, rows: Iterable<unknown>): void {
    this.#encoded.length = 0;
    writeKey(this.#encoded, key, "join");
    const isSame = this.#keyBytes?.equals(this.#encoded.view()) === true;
    if (!isSame) {
      this.#end();
      this.#key = key;
      this.#keyBytes = Buffer.from(this.#encoded.view());
    }
    if (side === right) {
      for (const row of rows) this.#rights.add(row);
      return;
    }
    const hasPartners = key !== null && this.#rights.count > 0;
    this.#isMatched = hasPartners;
    for (const row of rows) {
      if (hasPartners) for (const other of this.#rights.rows()) this.#write(row, other);
      else if (this.#keepsLeft) this.#write(row, null);
    }
  }

  /** What is left of the key at hand: rows of the right that nothing has come for. */
  #end(): void {
    if (!this.#isMatched && this.#keepsRight) {
      for (const row of this.#rights.rows()) this.#write(null, row);
    }
    this.#rights.clear();
    this.#isMatched = false;
  }

  #write(ofLeft: unknown, ofRight: unknown): void {
    this.#part.row(this.#key, { left: ofLeft, right: ofRight }, "join");
  }
}
