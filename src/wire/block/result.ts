/** The result of one item of a `tasks` job as text, held to its limit: the same on workers, in tabs
 *  and under the judge. */
import { ClusterError } from "../../core/error.ts";
import { utf8Bytes } from "../../core/sharing/names.ts";
import { jsonText } from "./json.ts";

/** Largest result of one item, in bytes of its JSON. */
export const resultMaxBytes = 1024 * 1024;

/** `user-error`: it cannot be stored; `limit-exceeded`: it is too large. What job code throws when
 *  the value is read comes out as it is. */
export function resultText(task: number, result: unknown): string {
  const text = jsonText(result, `the result of item ${task}`);
  if (text.length <= resultMaxBytes / 3) return text;
  const sizeBytes = utf8Bytes(text);
  if (sizeBytes <= resultMaxBytes) return text;
  throw new ClusterError(
    "limit-exceeded",
    `the result of item ${task} has ${sizeBytes} bytes, of at most ${resultMaxBytes}; ` +
      "return less, or use mapReduce for large results",
  );
}
