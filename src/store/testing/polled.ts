/** Waiting for what reports itself nowhere. */
import { setTimeout as delay } from "node:timers/promises";

/** Between two questions, ms: asking without a pause takes the processor from what is asked. */
const everyMs = 10;

/** The first answer that is so. Only the test's own limit ends it. */
export async function polled<T>(ask: () => Promise<T>, isSo: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    await delay(everyMs);
  }
}
