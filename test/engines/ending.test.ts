/** A run of random faults that is interrupted leaves no process and no folder behind. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { atEnd, temporaryDir } from "../../src/store/testing/at-end.ts";
import { polled } from "../../src/store/testing/polled.ts";
import { Started } from "../fixtures/started.ts";
import { withoutPostgres } from "./postgres-server.ts";

const script = join(import.meta.dirname, "../../scripts/engines.ts");

/** Whether a process of the group runs. */
function lives(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

test("a run of random faults that is interrupted ends what it started", {
  skip: withoutPostgres,
}, async (t) => {
  const dir = temporaryDir(t, "ending-");
  const args = [script, "--only", "postgres", "--lease", "1000"];
  const env = { ...process.env, TMPDIR: dir };
  const run = Started.node(args, { env, detached: true });
  atEnd(t, () => {
    if (lives(run.pid)) process.kill(-run.pid, "SIGKILL");
  });
  // From then on a coordinator may be stopped, and does not end by itself.
  await run.line("postgres: 1 of");
  const { code, err } = await run.stop("SIGTERM");
  assert.equal(code, 130);
  assert.match(err, /stopped by SIGTERM/);
  // The task processes of killed workers see that by themselves.
  await polled(
    async () => lives(run.pid),
    (isThere) => !isThere,
  );
  assert.deepEqual(
    readdirSync(dir).filter((name) => name.startsWith("engine-faults-")),
    [],
  );
});
