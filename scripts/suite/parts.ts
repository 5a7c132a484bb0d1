/** Which files of tests run in which order, and which of them in one process. */
import { globSync } from "node:fs";

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
  "test/kills/kills.test.ts",
  "test/simulation/figures.test.ts",
  "test/filesystem/spread.test.ts",
  "test/filesystem/elsewhere.test.ts",
  "test/adoption/adoption.test.ts",
  "test/simulation/simulate.test.ts",
  "test/mutants/mutants.test.ts",
];

/** Folders of cheap tests: those of each line share a process. */
const shared: ReadonlyArray<readonly string[]> = [
  ["coordinator"],
  ["core"],
  ["wire"],
  ["peer", "store", "link", "gateway", "jobtracker"],
  ["cli", "client", "sdk", "web", "environment"],
  ["worker/browser", "worker/channel", "worker/input", "worker/kernels", "worker/operators"],
];

/** Tests below `src` that measure the memory of their process or change what others would see. */
const alone = [
  "src/coordinator/edges/worker/crowd.test.ts",
  "src/core/cluster/shares.test.ts",
  "src/link/grpc/grpc.test.ts",
];

/** Every file of tests in exactly one part. */
export function allParts(): Part[] {
  const found = globSync(everything)
    .map((path) => path.replaceAll("\\", "/"))
    .sort();
  const gone = [...longest, ...alone].filter((path) => !found.includes(path));
  if (gone.length > 0) throw new Error(`no such tests: ${gone.join(", ")}`);
  const groups = shared.map((folders) => {
    const isShared = (path: string) => folders.some((folder) => path.startsWith(`src/${folder}/`));
    return found.filter((path) => isShared(path) && !alone.includes(path));
  });
  const taken = new Set([...longest, ...groups.flat()]);
  const others = found.filter((path) => !taken.has(path)).map((path) => [path]);
  return [...longest.map((path) => [path]), ...groups, ...others];
}
