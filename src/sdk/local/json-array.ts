/** The elements of a JSON array that a file is, as the judge finds them: one character after the
 *  other. */
import type { TextEncoding } from "../../wire/block/plan.ts";
import { decoded } from "./decoded.ts";
import type { Line } from "./record.ts";

const blanks = " \t\r\n";

/** A text for each element; what is wrong with the array is a text with a problem. */
export function* elementsOf(
  bytes: Buffer,
  encoding: TextEncoding | undefined,
): Generator<Line, void> {
  const text = bytes.toString("latin1");
  const line = (from: number, to: number, problem?: string): Line => {
    const own = bytes.subarray(from, to);
    const of = { offset: from, bytes: own, ...decoded(own, encoding) };
    const isMissing = text.slice(from, to).trim() === "";
    const wrong = problem ?? (isMissing ? "an element of the array is missing" : undefined);
    return wrong === undefined ? of : { problem: wrong, ...of };
  };
  let at = text.indexOf("[") + 1;
  let start = at;
  let depth = 1;
  let count = 0;
  for (; at < text.length && depth > 0; at++) {
    const char = text.charAt(at);
    if (char === '"') at = endOfText(text, at);
    else if (char === "[" || char === "{") depth++;
    else if (char === "]" || char === "}") depth--;
    const isLast = depth === 0;
    if (!isLast && (char !== "," || depth > 1)) continue;
    if (!isLast || count > 0 || text.slice(start, at).trim() !== "") yield line(start, at);
    count++;
    start = at + 1;
  }
  if (depth > 0) {
    const problem = "the JSON array that the file is has no end";
    yield line(start, Math.min(bytes.length, start + 1024), problem);
  } else if ([...text.slice(at)].some((char) => !blanks.includes(char))) {
    const problem = "something follows the JSON array that the file is";
    yield line(bytes.length, bytes.length, problem);
  }
}

/** Of the quote that closes the one at `from`. */
function endOfText(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text.charAt(at) === "\\") at++;
    else if (text.charAt(at) === '"') return at;
  }
  return text.length;
}
