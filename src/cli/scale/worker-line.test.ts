/** The script around a worker ends as the worker ends, whichever shell runs it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { type TestContext, test } from "node:test";
import { attachedScript, heldScript } from "./worker-line.ts";

/** What looks for the worker does so late: by then the shell has reaped it. */
const late = 'kill() { sleep 0.2; command kill "$@"; }';

function endOf(t: TestContext, shell: string, script: string): number | null {
  const { error, status } = spawnSync(shell, ["-c", `${late}\n${script}`], { stdio: "pipe" });
  if (error !== undefined) t.skip(`${shell} is not installed`);
  return error === undefined ? status : null;
}

for (const shell of ["sh", "bash"]) {
  test(`a worker that ends at once has its own exit code in ${shell}`, (t) => {
    assert.ok([null, 7].includes(endOf(t, shell, heldScript("sh -c 'exit 7'"))));
    assert.ok([null, 0].includes(endOf(t, shell, heldScript("true"))));
  });

  test(`a program that does not exist is a failure in ${shell}`, (t) => {
    assert.ok([null, 127].includes(endOf(t, shell, heldScript("/no/such/program"))));
    assert.ok([null, 127].includes(endOf(t, shell, attachedScript("/no/such/program"))));
  });
}
