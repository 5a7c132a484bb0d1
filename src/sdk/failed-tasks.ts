/** The result of a list of tasks some of which failed: the results of the others, and the failed
 *  with their items. */
import type { Failure } from "../core/job.ts";
import type { ResultPart } from "./job-result.ts";
import { linesOf } from "./table/lines.ts";

export type TaskFailure = Pick<Failure, "code" | "message">;

/** A task without a result, by its index. */
export type FailedTask = TaskFailure & {
  readonly task: number;
  /** Where the items are at hand. */
  readonly item?: unknown;
};

/** The lines of the tasks that did not fail, of one line for each. */
export async function* withoutFailed(
  chunks: AsyncIterable<Uint8Array>,
  failed: ReadonlySet<number>,
): AsyncGenerator<Uint8Array, void> {
  let task = 0;
  for await (const line of linesOf(chunks)) {
    if (!failed.has(task++)) yield Buffer.from(`${line}\n`);
  }
}

/** A line of JSON for each failed task, with its item where the items are at hand. */
export function failedPart(
  failed: readonly FailedTask[],
  items: (() => AsyncIterable<Uint8Array>) | undefined,
): ResultPart {
  return {
    sizeBytes: 0,
    async *read() {
      const wanted = new Set(failed.map(({ task }) => task));
      const texts = new Map<number, string>();
      let at = 0;
      if (items !== undefined) {
        for await (const line of linesOf(items())) {
          if (wanted.has(at)) texts.set(at, line);
          at++;
        }
      }
      for (const { code, message, task } of failed) {
        // The item as it is: its numbers may have more digits than a double.
        const item = texts.has(task) ? `"item":${texts.get(task)},` : "";
        const why = JSON.stringify({ code, message }).slice(1);
        yield Buffer.from(`{"task":${task},${item}${why}\n`);
      }
    },
  };
}
