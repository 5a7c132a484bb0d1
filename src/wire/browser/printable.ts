/** Makes text from peers safe for a terminal or a log: the document requires every non-empty
 *  `message` to be printed, and no message may control the terminal. */

/** Control characters, and those that change the direction or are invisible (Unicode's Cc, Cf, Zl,
 *  Zp). */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** One line of at most `max` characters; what cannot be shown is escaped as `\u{…}`. */
export function printable(text: string, max = 500): string {
  const cut = text.length > max ? `${text.slice(0, max)}… (${text.length} characters)` : text;
  return cut.replace(unsafe, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
