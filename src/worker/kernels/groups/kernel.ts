/** Instances of `assembly/groups.ts`, each with memory of its own. */
import { kernelOf } from "../wasm/engine.ts";
import type { GroupExports } from "./exports.ts";
import { wasmBase64 } from "./groups-wasm.ts";
import { setPaths } from "./json-names.ts";
import type { LinePattern } from "./line-pattern.ts";
import { type Program, setProgram } from "./program.ts";

/** What the kernel calls while it merges: see `assembly/groups/merge.ts` and `result.ts`. */
export type GroupHost = {
  payload(run: number): boolean;
  value(at: number, length: number): void;
  rows(at: number, length: number, count: number): void;
  pair(key: number, keyLength: number, value: number, length: number): void;
};

/** What is done with the number of each row; `first`: nothing. */
export const groupOps = { count: 0, sum: 1, min: 2, max: 3, first: 4 } as const;
export type GroupOp = keyof typeof groupOps;

/** What a kernel is made for. */
export type GroupShape = {
  readonly op: GroupOp;
  /** Fields of a row that are looked at. */
  readonly fields: number;
  /** Fields that are the key. */
  readonly keys: number;
  /** Lines are JSON, and these paths in it are the fields. Neither = they are CSV. */
  readonly paths?: readonly string[];
  /** Fields are found by a pattern. */
  readonly pattern?: LinePattern;
  /** What is done with a row before it is grouped, and how. */
  readonly program?: Program;
};

/** Bytes that are read at once. Longer lines are read by the host. */
export const inputBytes = 1024 * 1024;
/** A kernel with more memory than this is not kept for the next task. */
const keptMaxBytes = 256 * 1024 * 1024;

const instantiate = kernelOf<GroupExports>(wasmBase64);
let kept: { readonly name: string; readonly kernel: GroupKernel } | null = null;

export class GroupKernel {
  readonly exports: GroupExports;
  readonly inputAt: number;
  host: GroupHost | null = null;
  #memory = new Uint8Array(0);

  private constructor({ op, fields, keys, paths, pattern, program }: GroupShape) {
    this.exports = instantiate({
      groups: {
        payload: (run: number) => this.host?.payload(run),
        value: (at: number, length: number) => this.host?.value(at, length),
        rows: (at: number, length: number, count: number) => this.host?.rows(at, length, count),
        pair: (key: number, keyLength: number, value: number, length: number) =>
          this.host?.pair(key, keyLength, value, length),
      },
    });
    this.inputAt = this.exports.start(inputBytes, groupOps[op], fields, keys);
    if (paths !== undefined) setPaths(this.exports, paths);
    if (pattern !== undefined) this.#setPattern(pattern);
    if (program !== undefined) setProgram(this.exports, program);
  }

  /** Without any groups; that of the last task of this process, when it was of the same shape. */
  static take(shape: GroupShape): GroupKernel {
    const name = JSON.stringify(shape);
    const isKept = kept?.name === name && kept.kernel.bytes.length <= keptMaxBytes;
    const kernel = isKept && kept !== null ? kept.kernel : new GroupKernel(shape);
    kept = { name, kernel };
    kernel.exports.clear();
    return kernel;
  }

  #setPattern({ steps, classes }: LinePattern): void {
    const at = this.exports.setLines(steps.length, classes.length);
    const { bytes } = this;
    bytes.set(new Uint8Array(Uint32Array.from(steps.flat()).buffer), at);
    for (const [i, set] of classes.entries()) bytes.set(set, at + steps.length * 8 + i * 256);
  }

  /** All memory as it is now: growing replaces it. */
  get bytes(): Uint8Array {
    const { buffer } = this.exports.memory;
    if (this.#memory.buffer !== buffer) this.#memory = new Uint8Array(buffer);
    return this.#memory;
  }
}
