/** Items that wait for others that go into one job with them. */
import { ClusterError } from "../../core/error.ts";
import { itemText } from "../../sdk/plan/items.ts";

export type BatchLimits = {
  /** Items of a task. */
  readonly chunk: number;
  /** Items of a job. */
  readonly window: number;
};

const jobMaxBytes = 32 * 1024 * 1024;

export class Batch {
  readonly first: number;
  readonly #limits: BatchLimits;
  readonly #texts: string[] = [];
  #sizeBytes = 0;

  constructor(first: number, limits: BatchLimits) {
    this.first = first;
    this.#limits = limits;
  }

  get count(): number {
    return this.#texts.length;
  }

  get isFull(): boolean {
    return this.count >= this.#limits.window || this.#sizeBytes >= jobMaxBytes;
  }

  /** Throws `bad-request` for what is no JSON. */
  add(item: unknown): void {
    const text = itemText(item, this.first + this.count);
    this.#texts.push(text);
    this.#sizeBytes += text.length;
  }

  /** A task a line: `CallItems`. */
  lines(): Uint8Array {
    const { chunk } = this.#limits;
    const lines: string[] = [];
    for (let at = 0; at < this.count; at += chunk) {
      lines.push(`[${this.first + at},${this.#texts.slice(at, at + chunk).join()}]\n`);
    }
    return Buffer.from(lines.join(""));
  }
}

/** Throws `bad-request` for limits that are none. */
export function checkLimits(limits: BatchLimits): BatchLimits {
  for (const [name, value] of Object.entries(limits)) {
    if (Number.isInteger(value) && value >= 1 && value <= 1_000_000) continue;
    const text = `${name} is ${value}; it must be a whole number from 1 to 1,000,000`;
    throw new ClusterError("bad-request", text);
  }
  return limits;
}
