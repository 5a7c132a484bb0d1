/** Which process serves which job, and when one is ended. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Plan } from "../../wire/block/plan.ts";
import type { JobFiles, OpenedJob } from "../shuffle/jobs.ts";
import { Processes } from "./processes.ts";
import { probeSandbox } from "./sandbox-node.ts";

const mebibyte = 1024 * 1024;

type Setting = {
  readonly processes: Processes;
  readonly take: (job: string) => ReturnType<Processes["take"]>;
};

async function setUp(t: TestContext): Promise<Setting> {
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
  const take = (name: string) => {
    const job = { open: { job: name, owner: "ana", codeHash } };
    return processes.take(0, {
      job: job as unknown as OpenedJob,
      files: { ...files, plan: plan as unknown as Plan } satisfies JobFiles,
      next: null,
    });
  };
  return { processes, take };
}

test("X1: a process that starts for a job is not ended because another job has", async (t) => {
  const { processes, take } = await setUp(t);
  const taking = take("j-1");
  processes.closeJob("j-9");
  const { process } = await taking;
  assert.equal(process.over, false);
  assert.equal(process.job, "j-1");
});

test("a process whose run is given up while it starts goes to the next run", async (t) => {
  const { processes, take } = await setUp(t);
  const first = take("j-1");
  processes.kill(0);
  const second = take("j-2");
  await assert.rejects(first, /not for this run/);
  const { process } = await second;
  assert.equal(process.job, "j-2");
  const { readDir } = process;
  assert.equal(
    readDir.endsWith(join("slots", "1", "read")),
    true,
    `no other was started: ${readDir}`,
  );
});
