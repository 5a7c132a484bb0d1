/** What a language gives to the corpus: pieces that fit together in any choice.
 *
 *  Subjects are third person singular, predicates stand alone, so that every combination is
 *  grammatical. In each list the first entries are drawn most often (Zipf). Pieces are separated by
 *  `|`. */

export type Language = {
  /** BCP 47, part of the file name. */
  readonly code: string;
  readonly titles: readonly string[];
  /** `#` becomes the chapter's number. */
  readonly chapter: string;
  readonly openers: readonly string[];
  readonly subjects: readonly string[];
  readonly predicates: readonly string[];
  readonly endings: readonly string[];
  /** Between two clauses, with its comma when the language wants one. */
  readonly links: readonly string[];
  /** What people say, without quotation marks. */
  readonly sayings: readonly string[];
  /** After a saying; `@` becomes a name. */
  readonly says: readonly string[];
  /** Syllables of names: a long tail of rare words. */
  readonly syllables: readonly string[];
  readonly marks: {
    readonly space: string;
    readonly comma: string;
    readonly stops: readonly string[];
    readonly quotes: readonly [open: string, close: string];
  };
};

export function pieces(text: string): string[] {
  return text.split(/[|\n]/).flatMap((piece) => piece.trim() || []);
}

export const latinMarks = {
  space: " ",
  comma: ",",
  stops: [".", ".", ".", ".", ".", ".", "!", "?", "…"],
} as const;

export const eastAsianMarks = {
  space: "",
  comma: "，",
  stops: ["。", "。", "。", "。", "。", "！", "？", "……"],
} as const;
