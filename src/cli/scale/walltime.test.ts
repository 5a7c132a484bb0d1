/** What a real shell makes of the time limits that Slurm names. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { type Leave, walltimeScript } from "./walltime.ts";

type Job = {
  /** As `squeue --format=%L` prints it. */
  readonly left?: string;
  readonly env?: Readonly<Record<string, string>>;
};

const terms: Leave = { drainS: 25, lifetimeS: null };

/** The words for `join`. */
function leave(t: TestContext, { env = {}, left = "" }: Job, given = terms): string {
  const dir = temporaryDir(t, "walltime-");
  const squeue = join(dir, "squeue");
  writeFileSync(squeue, `#!/bin/sh\n[ "$2" = --jobs=7_3 ] && echo '${left}'\n`);
  chmodSync(squeue, 0o755);
  const job = { SLURM_ARRAY_JOB_ID: "7", SLURM_ARRAY_TASK_ID: "3", ...env };
  const script = `${walltimeScript(given)}\nprintf %s "$leave"`;
  const PATH = `${dir}:${process.env.PATH}`;
  return execFileSync("sh", ["-ec", script], { env: { ...job, PATH }, encoding: "utf8" });
}

test("a worker leaves before the time limit that squeue prints", (t) => {
  for (const [left, seconds] of [
    ["1:00:00", 3_590],
    ["08:09", 479],
    ["2-01:00:08", 176_398],
    ["59:59", 3_589],
  ] as const) {
    assert.equal(leave(t, { left }), `--lifetime ${seconds}s --drain 25s`, left);
  }
});

test("without a limit a worker stays", (t) => {
  for (const left of ["UNLIMITED", "NOT_SET", "INVALID", ""]) {
    assert.equal(leave(t, { left }), "", left);
  }
});

test("a limit that is short makes the drain shorter, which `join` would refuse", (t) => {
  assert.equal(leave(t, { left: "0:50" }), "--lifetime 40s --drain 20s");
  assert.equal(leave(t, { left: "0:03" }), "--lifetime 4s --drain 2s");
});

test("of a limit and a lifetime the shorter counts", (t) => {
  const both = { ...terms, lifetimeS: 600 };
  assert.equal(leave(t, { left: "1:00:00" }, both), "--lifetime 600s --drain 25s");
  assert.equal(leave(t, { left: "5:00" }, both), "--lifetime 290s --drain 25s");
});

test("the environment of newer versions counts, whatever the node's clock says", (t) => {
  const nowS = Math.floor(Date.now() / 1_000);
  const between = (startS: number, endS: number) => ({
    SLURM_JOB_START_TIME: String(startS),
    SLURM_JOB_END_TIME: String(endS),
  });
  const soon = leave(t, { env: between(nowS - 3_000, nowS + 600), left: "9:00:00" });
  const [, seconds] = /^--lifetime (\d+)s --drain 25s$/.exec(soon) ?? [];
  assert.ok(Number(seconds) <= 590 && Number(seconds) > 500, soon);
  // The controller's clock is five minutes ahead.
  const ahead = leave(t, { env: between(nowS + 300, nowS + 900) });
  assert.equal(ahead, "--lifetime 590s --drain 25s");
});
