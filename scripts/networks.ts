/** Whole jobs between machines that are network namespaces, over lines with delay, rate and loss,
 *  and with the faults of networks: `npm run networks`. Needs Linux and root; takes minutes. */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const files = globSync("test/network/{machines,lines,faults}.test.ts", { cwd: root });
const { status } = spawnSync(process.execPath, ["--test", "--test-concurrency=1", ...files], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, TEQUIO_NETWORKS: "1" },
});
process.exitCode = status ?? 1;
