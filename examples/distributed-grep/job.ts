/** Finds lines that match a regular expression, with file and byte offset. */
import { type Emit, mapReduce, text } from "tequio";

/** Regular expressions by their text: made once per process, not once per line. */
const compiled = new Map<string, RegExp>();

function expression(pattern: string): RegExp {
  let found = compiled.get(pattern);
  if (found === undefined) {
    found = new RegExp(pattern, "u");
    compiled.set(pattern, found);
  }
  return found;
}

export default mapReduce({
  name: "distributed grep",
  params: { pattern: "ERROR" },
  input: text.lines(),
  map(line, emit: Emit<string, string>, { file, offset, params }) {
    if (expression(params.pattern).test(line)) {
      emit(`${file.slice(file.lastIndexOf("/") + 1)}:${offset}`, line);
    }
  },
  // Nothing to gather: each split writes its own matches, in the order of its lines.
  reducers: 0,
  output: "text",
});
