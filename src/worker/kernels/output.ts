/** Writes the final part file of a task, row by row, with its SHA-256 on the way. */
import { createHash } from "node:crypto";
import type { Key } from "../../wire/block/key.ts";
import { halfCharacter } from "../../wire/block/refusal.ts";
import { type PairFormat, rowText } from "../../wire/block/row.ts";
import { FileSink } from "./run-file.ts";

/** Rows are gathered to about this many characters before they become bytes. */
const textMaxCharacters = 64 * 1024;

export type Part = {
  readonly sizeBytes: number;
  readonly records: number;
  /** SHA-256 of the file, lowercase hex. */
  readonly root: string;
};

export class PartWriter {
  #records = 0;
  #text = "";
  readonly #format: PairFormat;
  readonly #sink: FileSink;
  readonly #hash = createHash("sha256");

  constructor(path: string, format: PairFormat) {
    this.#format = format;
    this.#sink = new FileSink(path);
  }

  /** `where` names the function that made the pair. */
  row(key: Key, value: unknown, where: string): void {
    this.#text += rowText(this.#format, key, value, where);
    this.#records++;
    if (this.#text.length >= textMaxCharacters) this.#flush();
  }

  /** What comes before the rows. */
  head(text: string): void {
    this.#text += text;
  }

  /** A row that is ready, with its newline. */
  line(text: string): void {
    this.#text += text;
    this.#records++;
    if (this.#text.length >= textMaxCharacters) this.#flush();
  }

  /** Rows that are ready, `count` of them. */
  rows(bytes: Uint8Array, count: number): void {
    this.#flush();
    this.#records += count;
    this.#hash.update(bytes);
    this.#sink.write(bytes);
  }

  finish(): Part {
    this.#flush();
    this.#sink.close();
    const { sizeBytes } = this.#sink;
    return { sizeBytes, records: this.#records, root: this.#hash.digest("hex") };
  }

  discard(): void {
    this.#sink.discard();
  }

  #flush(): void {
    // NDJSON escapes lone surrogates; CSV and text have no way to say them.
    if (!this.#text.isWellFormed()) throw halfCharacter();
    const bytes = Buffer.from(this.#text);
    this.#text = "";
    this.#hash.update(bytes);
    this.#sink.write(bytes);
  }
}
