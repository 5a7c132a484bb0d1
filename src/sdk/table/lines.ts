/** Bytes of a result as its lines. */
import { ClusterError } from "../../core/error.ts";
import { LineCutter } from "../../wire/line-cutter.ts";

/** Longest line, characters: that of a value in a result. */
const lineMaxCharacters = 64 * 1024 * 1024;

/** Without their newlines. Throws `limit-exceeded` for a line without an end. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  for await (const lines of linesAtOnce(chunks)) yield* lines;
}

/** The same, those of a chunk together: a promise for each line would cost more than the line. */
export async function* linesAtOnce(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly string[], void> {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const cutter = new LineCutter();
  for await (const chunk of chunks) {
    const lines = cutter.add(decoder.decode(chunk, { stream: true }));
    if (lines.length > 0) yield lines;
    if (cutter.restCharacters <= lineMaxCharacters) continue;
    throw new ClusterError("limit-exceeded", `a line is over ${lineMaxCharacters} characters`);
  }
  const last = cutter.end();
  if (last !== "") yield [last];
}
