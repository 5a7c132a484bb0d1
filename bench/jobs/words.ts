/** Word count with the runtime's own words, in the letters of the example. */
import { type Emit, mapReduce, text } from "../../src/index.ts";

export default mapReduce({
  name: "words",
  input: text.words({ lowercase: true }),
  map(word, emit: Emit<string, number>) {
    emit(word, 1);
  },
  combine: (a, b) => a + b,
});
