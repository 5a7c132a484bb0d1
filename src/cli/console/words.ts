/** A line of the console as words: blanks part them, double quotes hold them together. */

/** The first word, and the rest as it was typed; null when there is none. */
export function cutWord(text: string): { readonly word: string; readonly rest: string } | null {
  const trimmed = text.trimStart();
  if (trimmed === "") return null;
  const quoted = /^"([^"]*)"(?=\s|$)/.exec(trimmed);
  if (quoted !== null) {
    return { word: quoted[1]!, rest: trimmed.slice(quoted[0].length).trimStart() };
  }
  const end = trimmed.search(/\s/);
  if (end === -1) return { word: trimmed, rest: "" };
  return { word: trimmed.slice(0, end), rest: trimmed.slice(end).trimStart() };
}

export function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (let cut = cutWord(text); cut !== null; cut = cutWord(cut.rest)) words.push(cut.word);
  return words;
}

/** As it must be typed to be one word. */
export function asWord(text: string): string {
  return /\s/.test(text) ? `"${text}"` : text;
}
