/** Checks that the final output that a worker reports is in the store, before the report becomes
 *  final. */
import type { CoordinatorState } from "../../../core/coordinator.ts";
import type { AttemptReport } from "../../../core/event.ts";
import type { Hash, JobId } from "../../../core/ids.ts";
import { jobSpec } from "../../../core/view.ts";
import type { Blobs } from "../../../store/blob/blob.ts";
import { hit } from "../../../store/failpoint.ts";
import type { StatusEvent } from "./reports.ts";

type Reported = Extract<StatusEvent, { kind: "attempts-reported" }>;

type Store = Pick<Blobs, "size"> & {
  /** Keeps blobs until the report is final. */
  hold(hashes: readonly Hash[], job: JobId): Promise<void>;
};

/** Takes long results out of a report; rejects when they cannot be stored now. */
type Pages = { moved(event: Reported): Reported | Promise<Reported> };

/** A report whose blob is missing becomes a failed download, which is retried: a committed output
 *  that is missing could only be reported to the user as lost. */
export function outputsChecked(
  blobs: Store,
  stateNow: () => CoordinatorState,
  pages?: Pages,
): (event: StatusEvent) => StatusEvent | Promise<StatusEvent> {
  const moved = (event: Reported) => pages?.moved(event) ?? event;
  return (event) => {
    if (event.kind !== "attempts-reported") return event;
    const isFinal = jobSpec(stateNow(), event.job)?.stages[event.stage]?.partitionCount === 0;
    if (!event.reports.some((report) => named(report, isFinal).length > 0)) return moved(event);
    return checkAll(blobs, event, isFinal).then(moved);
  };
}

function named(report: AttemptReport, isFinal: boolean): Hash[] {
  if (report.kind !== "done") return [];
  const { root, badRecords } = report.output;
  return [isFinal ? root : "", badRecords ?? ""].filter((hash) => hash !== "");
}

async function checkAll(blobs: Store, event: Reported, isFinal: boolean): Promise<Reported> {
  hit("edge.check", "before");
  const all = event.reports.flatMap((report) => named(report, isFinal));
  await blobs.hold(all, event.job);
  const reports = await Promise.all(
    event.reports.map(async (report): Promise<AttemptReport> => {
      for (const hash of named(report, isFinal)) {
        // Also for `data-lost`: then it is computed again.
        if ((await blobs.size(hash).catch(() => null)) !== null) continue;
        const { task, attempt, durationMs } = report;
        const message = `its output ${hash} did not arrive at the coordinator`;
        const failure = { code: "download-failed", message } as const;
        return { kind: "failed", task, attempt, durationMs, failure };
      }
      return report;
    }),
  );
  hit("edge.check", "after");
  return { ...event, reports };
}
