/** Counts words in text of any language. */
import { type Emit, mapReduce, text } from "tequio";

const separators = /[^\p{L}\p{N}']+/u;

export default mapReduce({
  name: "word count",
  input: text.lines(),
  map(line, emit: Emit<string, number>) {
    for (const word of line.toLowerCase().split(separators)) {
      if (word !== "") emit(word, 1);
    }
  },
  // Sums where the words are found, so that each word travels once per split.
  combine: (a, b) => a + b,
});
