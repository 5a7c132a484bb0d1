/** Which process serves which job, and when one is ended. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Plan } from "../../wire/block/plan.ts";
import type { JobFiles, OpenedJob } from "../shuffle/jobs.ts";
import { Processes } from "./processes.ts";
import { probeSandbox } from "./sandbox-node.ts";

const mebibyte = 1024 * 1024;

test("X1: a process that starts for a job is not ended because another job has", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "processes-"));
  const processes = new Processes({
    slots: 1,
    sandbox: await probeSandbox("basic"),
    dir: join(dir, "slots"),
    memoryBytes: 64 * mebibyte,
    scratchMaxBytes: 64 * mebibyte,
    // While it starts, which takes longer, the job of another one ends.
    idleMs: 1,
  });
  t.after(async () => {
    await processes.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const code = "export default { kind: 'tasks', options: { items: [], run: (item) => item } };";
  const codePath = join(dir, "code.mjs");
  writeFileSync(codePath, code);
  const codeHash = createHash("sha256").update(code).digest("hex");
  const plan = { version: 1, files: [], splits: [], items: null, params: {}, reducers: 0 };
  const files = { codePath, taskPlan: { text: JSON.stringify(plan) }, itemsFile: null };
  const job = { open: { job: "j-1", owner: "ana", codeHash } };
  const taking = processes.take(0, {
    job: job as unknown as OpenedJob,
    files: { ...files, plan: plan as unknown as Plan } satisfies JobFiles,
    next: null,
  });
  processes.closeJob("j-9");
  const { process } = await taking;
  assert.equal(process.over, false);
  assert.equal(process.job, "j-1");
});
