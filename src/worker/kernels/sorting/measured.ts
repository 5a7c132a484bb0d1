/** Records that are left of a merge that drops some, with the longest of them: the longest of all
 *  can be longer than what is left, and depends on the rounds and so on the memory. */
import type { Ordering, Shape } from "./kernel.ts";
import type { RecordSink } from "./segment.ts";

const newline = 10;
const frameHeadBytes = 8;

/** Whether a merge writes every record that it reads. */
export function keepsAll({ limit, unique }: Ordering): boolean {
  return limit === null && !unique;
}

export class Measured implements RecordSink {
  readonly #sink: RecordSink;
  readonly #shape: Shape;

  constructor(sink: RecordSink, shape: Shape) {
    this.#sink = sink;
    this.#shape = shape;
  }

  write(bytes: Uint8Array, records: number): void {
    this.#sink.write(bytes, records, longestIn(bytes, this.#shape));
  }
}

/** Of whole records. */
function longestIn(bytes: Uint8Array, shape: Shape): number {
  if (shape.kind === "fixed") return shape.recordBytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let longest = 0;
  for (let at = 0; at < bytes.length; ) {
    const end =
      shape.kind === "lines"
        ? bytes.indexOf(newline, at) + 1
        : at + frameHeadBytes + view.getUint32(at, true) + view.getUint32(at + 4, true);
    longest = Math.max(longest, end - at);
    at = end;
  }
  return longest;
}
