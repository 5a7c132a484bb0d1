/** Verifies a log in an engine: each record and the snapshot, as a start would read them. */
import { emptyState } from "../../core/coordinator.ts";
import { ClusterError } from "../../core/error.ts";
import { replay } from "../loop/journal.ts";
import type { CheckedLog } from "./check-log.ts";
import type { Progress } from "./progress.ts";
import type { Source } from "./source.ts";

/** Ends at the first damage: what comes after it is not proven. Throws `unavailable`. */
export async function checkEngineLog(
  { log, name }: NonNullable<Source["engine"]>,
  onProgress: Progress,
): Promise<CheckedLog> {
  const seen = { records: 0, sizeBytes: 0, position: 0 };
  const snapshotAt = { loaded: false };
  const counting = {
    last: () => log.last(),
    async loadSnapshot() {
      const snapshot = await log.loadSnapshot();
      seen.sizeBytes += snapshot?.bytes.byteLength ?? 0;
      snapshotAt.loaded = true;
      return snapshot;
    },
    async *read(after: number) {
      for await (const record of log.read(after)) {
        seen.records += 1;
        seen.sizeBytes += record.bytes.byteLength;
        seen.position = record.position;
        yield record;
      }
    },
  };
  try {
    const progress = {
      onProgress: ({ done, total }: { done: number; total: number }) => {
        onProgress("log", done, total);
      },
      nowMs: () => performance.now(),
    };
    const { position, state } = await replay(counting, progress);
    return { ...seen, position, state, damages: [] };
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code === "unavailable") throw error;
    const problem = `${name}: ${error.text}`;
    const kind = snapshotAt.loaded ? "log" : "snapshot";
    return { ...seen, state: emptyState(), damages: [{ kind, name: "", problem, jobs: [] }] };
  }
}
