/** Which files of tests run in which order, and which of them in one process. */
import { globSync } from "node:fs";
import { isLeft } from "./long.ts";

/** Files that run in one process, one after the other. */
export type Part = readonly string[];

const everything = ["src/**/*.test.ts", "test/**/*.test.ts", "examples/**/*.test.ts"];

/** Begun first, in this order: they take longest, most of it waiting, and begun late each would be
 *  alone at the end. */
const longest = [
  "test/soak/soak.test.ts",
  "test/together/together.test.ts",
  "test/failpoints/failpoints.test.ts",
  "test/browsers/python.test.ts",
  "test/browsers/tab.test.ts",
  "test/web/dashboard.test.ts",
  "test/web/client.test.ts",
  "test/engines/shuffle.test.ts",
  "test/fuzz/fuzz.test.ts",
  "test/kills/kills.test.ts",
  "test/simulation/figures.test.ts",
  "test/filesystem/spread.test.ts",
  "test/filesystem/elsewhere.test.ts",
  "test/adoption/adoption.test.ts",
  "test/simulation/simulate.test.ts",
  "test/mutants/mutants.test.ts",
];

/** Cheap tests: files whose paths begin as one line says share a process. None has `before` of its
 *  own at the top, which runs for the first file of a process alone. */
const shared: ReadonlyArray<readonly string[]> = [
  ["src/coordinator/"],
  ["src/core/"],
  ["src/wire/"],
  ["src/peer/", "src/store/", "src/link/", "src/gateway/", "src/jobtracker/"],
  ["src/cli/", "src/client/", "src/sdk/", "src/web/", "src/environment/"],
  [
    ...["src/worker/browser/", "src/worker/channel/", "src/worker/input/", "src/worker/kernels/"],
    ...["src/worker/manager/", "src/worker/operators/", "src/worker/shuffle/", "src/worker/task/"],
    ...["src/worker/loop.", "src/worker/own-reach.", "src/worker/slot/claims."],
    ...["src/worker/process/plan-part.", "src/worker/process/reporter."],
  ],
  [
    ...["test/operators/bad-share.", "test/operators/faults.", "test/operators/join."],
    ...["test/operators/operators.", "test/operators/query", "test/operators/s"],
  ],
  [
    ...["test/gateway/admission.", "test/gateway/digested.", "test/gateway/http."],
    ...["test/gateway/large-messages.", "test/gateway/sockets."],
    ...["test/mapreduce-paper/coordinator.", "test/mapreduce-paper/programs."],
    ...["test/mapreduce-paper/scheduling.", "test/simulation/link.", "test/simulation/sharing."],
    ...["test/network/faults.", "test/network/lines.", "test/network/stale-connections."],
  ],
  [
    ...["test/browsers/items.", "test/browsers/node-shims.", "test/browsers/session."],
    ...["test/docs/docs.", "test/docs/fault-list.", "test/docs/picture.", "test/docs/reference."],
    ...["test/mutants/places.", "test/scripts/corpus.", "test/tidy/"],
  ],
  // Dearer than these, but most of what each takes alone is loading coordinator, worker and client.
  [
    ...["test/python/build.", "test/python/exact.", "test/python/faults.", "test/python/formats."],
    ...["test/python/operators.", "test/python/patterns.", "test/python/values."],
  ],
  ["test/python/client.", "test/python/jobs.", "test/python/requires.", "test/python/sandbox."],
  [
    ...["test/filesystem/cli.", "test/filesystem/jobs.", "test/filesystem/join."],
    ...["test/filesystem/meanwhile.", "test/filesystem/python.", "test/filesystem/takeover."],
    ...["test/filesystem/tasks.", "test/filesystem/whole."],
  ],
  [
    ...["test/manager/libp2p.", "test/manager/lists.", "test/manager/manager."],
    ...["test/manager/protoc.", "test/manager/report-once.", "test/limits/message-sizes."],
    ...["test/console/", "test/encryption/", "test/recovery/kept-results."],
    ...["test/recovery/worker-restarts."],
  ],
  [
    ...["test/judge/empty-files.", "test/judge/faults.", "test/judge/formats."],
    ...["test/judge/thrown.", "test/inputs/", "test/wasm/", "test/environment/strays."],
  ],
  [
    ...["test/operators/duckdb.", "test/operators/edges.", "test/operators/groups."],
    ...["test/tables/arrow.", "test/tables/lz4-frames.", "test/tables/parquet."],
  ],
  [
    ...["test/damage/bit-flips.", "test/damage/damage.", "test/damage/full-disk."],
    ...["test/conformance/", "test/power-loss/"],
  ],
  [
    ...["src/worker/process/main.", "src/worker/process/strays.", "src/worker/programs/"],
    ...["src/worker/slot/processes."],
  ],
  ["test/simulation/latency.", "test/simulation/leading.", "test/simulation/strangers."],
  [
    ...["test/network/machines.", "test/network/relay.", "test/network/transfers."],
    ...["test/gateway/gateway."],
  ],
  // What is started for each process: Chromium, by way of Playwright, and the build of the pages.
  [
    ...["test/browsers/bare.", "test/browsers/cache.", "test/browsers/closing."],
    ...["test/browsers/faults.", "test/browsers/large-results."],
  ],
  [
    ...["test/browsers/report-flow.", "test/browsers/sandbox.", "test/browsers/share."],
    ...["test/browsers/tab-buffer.", "test/browsers/tables."],
  ],
  ["test/walks/", "test/web/frames.", "test/trust/lying-tab."],
  [
    ...["test/cli/calls.", "test/cli/cluster.", "test/cli/files.", "test/cli/hints."],
    ...["test/cli/job-errors.", "test/cli/keep-going.", "test/cli/leaving."],
  ],
  [
    ...["test/cli/map.", "test/cli/members.", "test/cli/named-format.", "test/cli/outputs."],
    ...["test/cli/replay.", "test/cli/retention.", "test/cli/run."],
  ],
  [
    ...["test/cli/scale.", "test/cli/setup.", "test/cli/signalled.", "test/cli/slurm."],
    ...["test/cli/sql.", "test/cli/starting.", "test/cli/unreachable.", "test/cli/upkeep."],
    ...["test/cli/web-folder."],
  ],
];

/** Tests among those that measure the memory of their process or change what others would see. */
const alone = [
  "src/coordinator/edges/worker/crowd.test.ts",
  "src/core/cluster/shares.test.ts",
  "src/link/grpc/grpc.test.ts",
  "src/sdk/plan/splitters.test.ts",
  "src/worker/task/reduce-task.test.ts",
];

/** Every file of tests in exactly one part; without those that are left out, unless `withLong`. */
export function allParts(withLong: boolean): Part[] {
  const found = globSync(everything)
    .map((path) => path.replaceAll("\\", "/"))
    .sort();
  const gone = [...longest, ...alone].filter((path) => !found.includes(path));
  if (gone.length > 0) throw new Error(`no such tests: ${gone.join(", ")}`);
  const groups = shared.map((starts) => {
    const isShared = (path: string) => starts.some((start) => path.startsWith(start));
    return found.filter((path) => isShared(path) && !alone.includes(path));
  });
  const taken = new Set([...longest, ...groups.flat()]);
  const others = found.filter((path) => !taken.has(path)).map((path) => [path]);
  const parts = [...longest.map((path) => [path]), ...groups, ...others];
  if (withLong) return parts;
  return parts
    .map((part) => part.filter((path) => !isLeft(path)))
    .filter((part) => part.length > 0);
}
