/** How many lines the input of a task has, of which a share may be bad: also rows of tables,
 *  records of one size, elements of a JSON array, and files that are one record. */
import type { FormatSpec } from "../../wire/block/plan.ts";
import type { ByteSource } from "../kernels/byte-source.ts";

const newline = 10;

/** Bytes of a record; "line", or "piece" where a file is a record. */
export type Unit = number | "line" | "piece";

export function unitOf(format: FormatSpec | undefined): Unit {
  if (format?.format === "records") return format.sizeBytes;
  return format?.format === "file" ? "piece" : "line";
}

export class InputLines {
  readonly #unit: Unit;
  #total = 0;
  /** Of the piece at hand. */
  #bytes = 0;
  #newlines = 0;
  #last = newline;
  #elements = 0;

  constructor(unit: Unit) {
    this.#unit = unit;
  }

  /** The source, whose pieces are counted as they are read. */
  counting(source: ByteSource): ByteSource {
    return {
      nextPiece: () => {
        this.#endPiece();
        const piece = source.nextPiece();
        // An empty file is a record, too.
        if (this.#unit === "piece" && piece !== null) this.#total++;
        return piece;
      },
      read: (into, at) => {
        const count = source.read(into, at);
        this.#add(into.subarray(at, at + count));
        return count;
      },
    };
  }

  /** One of the array that the piece is: its lines count no more. */
  element(): void {
    this.#elements++;
  }

  finish(): number {
    this.#endPiece();
    return this.#total;
  }

  #add(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#unit !== "line" || bytes.length === 0) return;
    for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) {
      this.#newlines++;
    }
    this.#last = bytes[bytes.length - 1] as number;
  }

  #endPiece(): void {
    if (typeof this.#unit === "number") this.#total += Math.floor(this.#bytes / this.#unit);
    else if (this.#elements > 0) this.#total += this.#elements;
    else if (this.#unit === "line")
      this.#total += this.#newlines + (this.#last === newline ? 0 : 1);
    this.#bytes = this.#newlines = this.#elements = 0;
    this.#last = newline;
  }
}
