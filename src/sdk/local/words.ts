/** The words of a line, by the expression that says what a word is. */

const word = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}\p{N}]+)*/gu;

export type Word = { readonly offset: number; readonly text: string };

/** `offset` is where the line lies in its file. A word is found in the bytes as well as in the
 *  text: what is between two words can have no character of the second. */
export function* wordsOf(line: Buffer, offset: number, lowercase: boolean): Generator<Word, void> {
  let at = 0;
  for (const [text] of line.toString().matchAll(word)) {
    at = line.indexOf(text, at);
    yield { offset: offset + at, text: lowercase ? text.toLowerCase() : text };
    at += Buffer.byteLength(text);
  }
}
