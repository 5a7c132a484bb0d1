/** How long does the first command take? `tequio run --local` of a job of one line, the whole of
 *  it: from starting the command to its end. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder, removeFolder } from "../src/store/testing/at-end.ts";
import { cli, root } from "../test/fixtures/cluster.ts";
import { type Case, takeTurns } from "./case.ts";

const source = `import { tasks } from "tequio";
export default tasks({ items: [1], run: (item) => item + 1 });
`;

export const start: Case = {
  name: "start",
  question: "`tequio run --local` of a job of one line, from the command to its result",
  async run(options) {
    // Inside the package, so that the job finds it.
    const directory = newFolder(".cache-start-", join(root, "bench"));
    try {
      const job = join(directory, "job.ts");
      writeFileSync(job, source);
      const times = await takeTurns(
        [
          { name: "tequio run --local", run: async () => runOnce(job) },
          { name: "node -e 0", run: async () => runNode() },
        ],
        { ...options, rounds: options.rounds * 2 },
      );
      const value = times.get("tequio run --local")!;
      return [
        { name: "a job of one line", value, unit: "ms", atMost: 600 },
        { name: "of that, starting Node", value: times.get("node -e 0")!, unit: "ms" },
      ];
    } finally {
      removeFolder(directory);
    }
  },
};

function runOnce(job: string): void {
  const args = [cli, "run", "--local", job, "-o", "-"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0 || stdout.trim() !== "2") throw new Error(`it printed ${stdout}\n${stderr}`);
}

function runNode(): void {
  spawnSync(process.execPath, ["-e", "0"]);
}
