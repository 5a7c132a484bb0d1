/** Turns leases into `task` messages. Pure: what is not in the order is read from the state. */
import type { CoordinatorState } from "../../../core/coordinator.ts";
import type { JobId } from "../../../core/ids.ts";
import type { Failure, JobSpec, StageSpec } from "../../../core/job.ts";
import { jobEnvironment, jobOwner, jobSpec } from "../../../core/view.ts";
import { encodeBrowser } from "../../../wire/browser/codec.ts";
import { browserLimits, type TaskType } from "../../../wire/browser/messages.ts";
import type { TaskMore } from "../../../wire/browser/more.ts";
import { fits } from "../../../wire/browser/size.ts";
import { reportsMaxBytes } from "./claims.ts";
import { refsOf, refText, type TabRun } from "./runs.ts";
import type { Tab } from "./tab.ts";

type Attempts = ReadonlyArray<{ readonly task: number; readonly attempt: number }>;

/** Groups leases for a tab into runs: a map or reduce task alone, tasks of a list spread evenly
 *  over its slots, at most as many as one finish may report. */
export function portionsOf(kind: StageSpec["kind"], attempts: Attempts, slots: number): Attempts[] {
  const shared = Math.min(browserLimits.attemptsMax, Math.ceil(attempts.length / slots));
  const size = kind === "tasks" ? shared : 1;
  const portions: Attempts[] = [];
  for (let at = 0; at < attempts.length; at += size) portions.push(attempts.slice(at, at + size));
  return portions;
}

export function taskType(kind: StageSpec["kind"]): TaskType {
  return kind === "reduce" ? "r" : "m";
}

/** The message, or null when the job is gone. A failure when it is larger than a browser accepts: a
 *  reduce task that reads thousands of map tasks, for a basic browser. */
export function taskText(state: CoordinatorState, tab: Tab, run: TabRun): string | Failure | null {
  const spec = jobSpec(state, run.job);
  const stage = spec?.stages[run.stage];
  if (spec === null || stage === undefined) return null;
  const inputCount =
    stage.inputStage === null ? 0 : (spec.stages[stage.inputStage]?.taskCount ?? 0);
  const place = `/t/${run.ticket}`;
  const url =
    stage.kind === "reduce"
      ? Array.from({ length: inputCount }, (_, i) => `${place}/in/${i}.ndjson`)
      : [`${place}/in/0`];
  const owner = jobOwner(state, run.job) ?? "";
  const around = jobEnvironment(state, run.job);
  const made = moreOf(spec, stage, { run, place, inputCount, owner });
  const more = tab.isBasic ? null : { ...made, ...around };
  const { tid, type } = run;
  // Authenticated tabs know where the partitions lie; a list of thousands of addresses adds
  // nothing.
  const told = tab.isBasic ? url : url.slice(0, 1);
  const text = encodeBrowser({ action: "task", type, uid: tab.uid, tid, url: told, more });
  const { messageMaxBytes, urlsMax } = browserLimits;
  if (told.length <= urlsMax && fits(text, messageMaxBytes)) return text;
  const message = `a task of ${told.length} addresses and ${text.length} characters`;
  const limits = `a browser accepts at most ${urlsMax} and ${messageMaxBytes} bytes`;
  return { code: "limit-exceeded", message: `${message}; ${limits}` };
}

function moreOf(
  spec: JobSpec,
  stage: StageSpec,
  of: { run: TabRun; place: string; inputCount: number; owner: string },
): TaskMore {
  const { inputCount, owner, place, run } = of;
  return {
    ref: refText(refsOf(run)),
    job: run.job,
    jobName: spec.name,
    owner,
    kind: stage.kind,
    stage: run.stage,
    attempts: [...run.attempts],
    place,
    codeHash: spec.codeHash,
    planHash: spec.planHash,
    ...(spec.programKind === undefined ? {} : { programKind: spec.programKind }),
    partitionCount: stage.partitionCount,
    inputCount,
    output: spec.output ?? "ndjson",
    timeoutMs: stage.timeoutMs,
    ...(stage.kind === "tasks" ? { reportsMaxBytes } : {}),
  };
}

/** Addresses that a finished run may name, in order. */
export function resultUrls(state: CoordinatorState, job: JobId, run: TabRun): string[] {
  const partitions = jobSpec(state, job)?.stages[run.stage]?.partitionCount ?? 0;
  const count = run.type === "m" ? Math.max(1, partitions) : 1;
  return Array.from({ length: count }, (_, i) => `/t/${run.ticket}/out/${i}`);
}
