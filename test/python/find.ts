/** A Python that has a module, for tests with independent peers. */
import { spawnSync } from "node:child_process";
import { waitMaxMs } from "../../src/store/testing/patience.ts";

/** Null where there is none. Packages of Debian belong to its own Python, which need not be the
 *  first of PATH. */
export function pythonWith(module: string): string | null {
  const pythons = ["python3", "/usr/bin/python3"];
  const has = (python: string) =>
    spawnSync(python, ["-c", `import ${module}`], { stdio: "ignore", timeout: waitMaxMs })
      .status === 0;
  return pythons.find(has) ?? null;
}
