/** Cuts the bytes of a piece into words and hands them out as strings that are kept from one to
 *  the next. Nothing is decoded but the words, and these once each. */
import { ClusterError } from "../../core/error.ts";
import type { ByteSource } from "./byte-source.ts";
import { type RecordPosition, recordMaxBytes } from "./lines.ts";
import { afterSeparator, slackBytes, WordScanner } from "./words/scan.ts";
import type { WordTable } from "./words/word-table.ts";

const bufferBytes = 256 * 1024;
const newline = 10;

export type WordOptions = {
  readonly source: ByteSource;
  /** Keeps the words; may know some from earlier pieces. */
  readonly table: WordTable;
  /** Is that of the word until `visit` returns. */
  readonly position: RecordPosition;
  readonly visit: (word: string) => void;
};

/** Calls `visit` with each word of the piece that the source is at. */
export class WordCutter {
  #buffer = Buffer.allocUnsafeSlow(bufferBytes + slackBytes);
  /** Offset in the file of the buffer's first byte. */
  #offset = 0;
  readonly #options: WordOptions;
  readonly #scanner: WordScanner;

  constructor(options: WordOptions) {
    this.#options = options;
    this.#scanner = new WordScanner(options.table, () => this.#visit());
  }

  /** `startOffset` is where the piece's first byte lies in its file. */
  cut(startOffset: number): void {
    this.#offset = startOffset;
    let filled = 0;
    this.#scanner.lookIn(this.#buffer);
    for (;;) {
      if (filled + slackBytes === this.#buffer.length) this.#grow();
      const room = this.#buffer.subarray(0, this.#buffer.length - slackBytes);
      const count = this.#options.source.read(room, filled);
      if (count === 0) break;
      const end = afterSeparator(room, filled, filled + count);
      filled += count;
      if (end === 0) continue;
      this.#scanner.scan(end);
      this.#buffer.copyWithin(0, end, filled);
      filled -= end;
      this.#offset += end;
    }
    this.#buffer[filled] = newline;
    this.#scanner.scan(filled + 1);
  }

  #grow(): void {
    const length = this.#buffer.length - slackBytes;
    if (length >= recordMaxBytes) {
      throw new ClusterError(
        "limit-exceeded",
        `${this.#options.position.file}:${this.#offset}: no blank in ${recordMaxBytes} bytes; ` +
          "read the file with bytes.file() or cut it beforehand",
      );
    }
    const grown = Buffer.allocUnsafeSlow(length * 2 + slackBytes);
    this.#buffer.copy(grown);
    this.#buffer = grown;
    this.#scanner.lookIn(grown);
  }

  /** Hands out the batch that has been found. */
  #visit(): void {
    const { position, table, visit } = this.#options;
    table.resolve();
    const { count, starts } = table;
    position.startWords(this.#offset);
    for (let i = 0; i < count; i++) {
      position.index = starts[i] as number;
      visit(table.take(i));
    }
  }
}
