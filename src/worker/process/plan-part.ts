/** What a task process reads of a large plan: the split at hand and its files. A plan of 200,000
 *  files has 10 MB, which every process would parse and keep. */
import type { InputFile, Plan } from "../../wire/block/plan.ts";
import { largeFrom } from "../../wire/block/plan-text.ts";
import type { PlanPart, ShortFile } from "./messages.ts";

export function isLarge({ files, splits }: Plan): boolean {
  return files.length > largeFrom || splits.length > largeFrom;
}

/** The plan without its files and splits. */
export function sliced(plan: Plan): ShortFile {
  return { text: JSON.stringify({ ...plan, files: [], splits: [] }) };
}

export function partOf({ files, splits }: Plan, task: number): PlanPart {
  const split = splits[task] ?? { input: "", pieces: [] };
  const named = [...new Set(split.pieces.map(([file]) => file))];
  return {
    split,
    files: named.flatMap((index) => {
      const file = files[index];
      return file === undefined ? [] : [[index, file] as const];
    }),
  };
}

/** The sliced plan with what one task reads, under the indexes of the whole plan. */
export function withPart(plan: Plan, task: number, part: PlanPart): Plan {
  const files: InputFile[] = [];
  for (const [index, file] of part.files) files[index] = file;
  const splits: Plan["splits"][number][] = [];
  splits[task] = part.split;
  return { ...plan, files, splits };
}
