/** Lets the loop compare its time with the wall clock periodically, as long as it runs. */
import type { Loop } from "./loop.ts";
import type { Timers } from "./timers.ts";

/** Interval, ms. */
const everyMs = 10_000;

/** Ends when the returned function is called. */
export function followWallClock(loop: Pick<Loop, "followWall">, timers: Timers): () => void {
  let cancel = () => {};
  const arm = () => {
    cancel = timers.after(everyMs, () => {
      loop.followWall();
      arm();
    });
  };
  arm();
  return () => cancel();
}
