/** The line that shows how far a check or a copy is. */
import type { Progress } from "../../coordinator/upkeep/progress.ts";
import { countText } from "../numbers.ts";
import { openScreen } from "../screen.ts";

const everyMs = 100;
const words = { log: "records", files: "files", blobs: "blobs" } as const;

export type Steps = {
  readonly onProgress: Progress;
  /** The line goes away. May be called twice. */
  end(): void;
};

/** On a terminal only, and never with `--json`. */
export function showSteps(hidden: boolean): Steps {
  const screen = openScreen();
  let drawnMs = Number.NEGATIVE_INFINITY;
  return {
    onProgress(step, done, total) {
      const nowMs = performance.now();
      if (hidden || nowMs - drawnMs < everyMs) return;
      drawnMs = nowMs;
      screen.draw([`${countText(done)} of ${countText(total)} ${words[step]}`]);
    },
    end() {
      if (!hidden) screen.draw([]);
      screen.end();
    },
  };
}
