/** Waiting for what reports itself nowhere. */
import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";
import { testMaxMs } from "./patience.ts";

/** Between two questions, ms: asking without a pause takes the processor from what is asked. */
const everyMs = 10;

/** The first answer that is so. Rejects with the last one when none is for too long: a wait that
 *  only the limit of its test ends does not show what it waited for. */
export async function polled<T>(
  ask: () => Promise<T>,
  isSo: (answer: T) => boolean,
  limitMs: number = testMaxMs,
): Promise<T> {
  const untilMs = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    if (performance.now() > untilMs) {
      throw new Error(`not within ${limitMs / 1_000} s; the last answer: ${inspect(answer)}`);
    }
    await delay(everyMs);
  }
}
