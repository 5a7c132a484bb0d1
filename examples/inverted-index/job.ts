/** Lists for every word the files it is in, with how often. */
import { type Emit, mapReduce, text } from "tequio";

const separators = /[^\p{L}\p{N}]+/u;
const stopWords = new Set(["a", "an", "and", "in", "is", "it", "of", "or", "the", "to"]);

export default mapReduce({
  name: "inverted index",
  params: { shortest: 2 },
  input: text.file(),
  map(document, emit: Emit<string, [file: string, times: number]>, { file, params }) {
    const times = new Map<string, number>();
    for (const word of document.toLowerCase().split(separators)) {
      if (word.length < params.shortest || stopWords.has(word)) continue;
      times.set(word, (times.get(word) ?? 0) + 1);
    }
    const name = file.slice(file.lastIndexOf("/") + 1);
    for (const [word, count] of times) emit(word, [name, count]);
  },
  reduce(_word, found) {
    // Most often first, then by name.
    return [...found].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  },
});
