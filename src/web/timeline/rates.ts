/** Tasks done a second, from the attempts of a timeline. */
import { niceStep } from "./board.ts";
import { outcomeDone, type TimelineModel } from "./model.ts";

const binsMax = 60;
const binLeastMs = 500;

/** Times in s, then for each stage the tasks done a second. Whole intervals only: one that has not
 *  passed yet would look like a fall. */
export function rates(model: TimelineModel, stages: number): number[][] {
  const endMs = Math.max(1, model.lastMs);
  const isOver = model.running.length === 0 && model.waitingCount === 0;
  const { binMs, bins } = intervals(endMs, isOver);
  const done = Array.from({ length: stages }, () => new Array<number>(bins).fill(0));
  for (const lane of model.lanes) {
    for (let at = 0; at < lane.count; at++) {
      const look = lane.look[at] as number;
      if ((look & 7) !== outcomeDone) continue;
      const of = done[look >> 4];
      const atMs = (lane.from[at] as number) + (lane.length[at] as number);
      // What ends with the job is of its last interval.
      const bin = isOver ? Math.min(bins - 1, Math.floor(atMs / binMs)) : Math.floor(atMs / binMs);
      if (of?.[bin] !== undefined) of[bin]++;
    }
  }
  const times = Array.from({ length: bins }, (_, bin) => ((bin + 0.5) * binMs) / 1000);
  return [times, ...done.map((counts) => counts.map((n) => (n * 1000) / binMs))];
}

/** Of a job that is over they divide its time; of one that runs they are round, and the last whole
 *  one is before now. */
function intervals(endMs: number, isOver: boolean): { binMs: number; bins: number } {
  if (isOver) {
    const bins = Math.max(1, Math.min(binsMax, Math.floor(endMs / binLeastMs)));
    return { binMs: endMs / bins, bins };
  }
  const binMs = niceStep(Math.max(binLeastMs, endMs / binsMax));
  return { binMs, bins: Math.floor(endMs / binMs) };
}
