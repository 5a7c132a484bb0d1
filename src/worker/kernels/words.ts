/** Cuts the bytes of a piece into words and hands them out as strings that are kept from one to the
 *  next. Nothing is decoded but the words, and these once each. */
import type { ByteSource } from "./byte-source.ts";
import type { RecordPosition } from "./lines.ts";
import { readText } from "./words/text-bytes.ts";
import type { WordTable } from "./words/word-table.ts";

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
  readonly #options: WordOptions;

  constructor(options: WordOptions) {
    this.#options = options;
  }

  /** `startOffset` is where the piece's first byte lies in its file. */
  cut(startOffset: number): void {
    const { source, position, table, visit } = this.#options;
    const reading = {
      source,
      position,
      input: () => table.numbers.input,
      scan: (end: number, offset: number) => this.#scan(end, offset),
      word: (text: string, offset: number) => {
        position.fixedOffset = offset;
        visit(table.takeOther(table.lowercase ? text.toLowerCase() : text));
      },
    };
    readText(reading, startOffset);
  }

  #scan(end: number, offset: number): void {
    const { position, table } = this.#options;
    const { numbers } = table;
    table.bound();
    position.startWords(offset - numbers.inputAt);
    numbers.scan(end, this.#visitStrip);
  }

  readonly #visitStrip = (): void => {
    const { position, table, visit } = this.#options;
    table.learn();
    const { list, places } = table.numbers;
    for (let i = 0; i < list.length; i++) {
      position.index = places[i] as number;
      visit(table.take(list[i] as number));
    }
  };
}
