/** Merges runs of groups into one run, by a kernel: what `mergeIntoRun` would write. */
import { assert } from "../../../core/error.ts";
import { Arena } from "../../../wire/block/arena.ts";
import type { RunReader, RunWriter } from "../../../wire/block/run.ts";
import { writeValue } from "../../../wire/block/value.ts";
import { GroupMerge, type GroupMergeOptions } from "../../kernels/groups/group-merge.ts";

type Merging = Pick<GroupMergeOptions, "combine" | "kernel" | "shape">;

/** What the kernel has is forgotten. */
export function mergeGroups(merging: Merging, runs: readonly RunReader[], run: RunWriter): void {
  const encoded = new Arena(64);
  new GroupMerge({
    ...merging,
    runs,
    mode: "run",
    target: {
      rows: (payload, entries) => run.block(payload, entries),
      pair(key, value) {
        assert(value !== undefined, "a group has values");
        encoded.length = 0;
        writeValue(encoded, value, "combine");
        run.key(key, 0, key.length);
        run.value(encoded.bytes, 0, encoded.length);
      },
    },
  }).run();
}
