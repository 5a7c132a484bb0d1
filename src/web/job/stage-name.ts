/** The name of a stage: that of its kind, with a number where there are several. */
import type { StageKind } from "../../core/job.ts";
import { say } from "../i18n/language.ts";
import { jobMessages } from "../jobs/messages.ts";

/** For components that are drawn again when the language changes. */
export function stageName(kinds: readonly StageKind[], stage: number): string {
  const kind = kinds[stage] ?? "map";
  const name = say(jobMessages, kind);
  const same = kinds.filter((one) => one === kind).length;
  if (same === 1) return name;
  return `${name} ${kinds.slice(0, stage + 1).filter((one) => one === kind).length}`;
}
