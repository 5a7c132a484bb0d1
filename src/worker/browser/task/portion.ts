/** How much of a portion of a list a tab does at a stretch. */
import { steadyMs } from "../../../environment/steady.ts";

/** Work of a portion, ms. A portion is meant to last a second at most: one that takes much longer
 *  was estimated wrongly, and other jobs would wait behind all of it. */
const workMaxMs = 4_000;
/** And of a tab that rests most of the time, ms: it may vanish at any time, and what it has not
 *  reported is lost then. */
const portionMaxMs = 20_000;

/** How long a tab that lends this share goes on with a portion, ms. */
export function portionMs(share: number): number {
  return Math.min(portionMaxMs, workMaxMs / share);
}

/** Those of `attempts` that it comes to; the tab gives back the others, of which other workers may
 *  be quicker, and which are shared out anew by what the first have taken. `share`: of the time,
 *  how much the tab computes; above 0 to 1. */
export function* forAWhile<T>(
  attempts: readonly T[],
  share: number,
  now: () => number = steadyMs,
): Generator<T> {
  const endsAtMs = now() + portionMs(share);
  for (const one of attempts) {
    yield one;
    if (now() > endsAtMs) return;
  }
}
