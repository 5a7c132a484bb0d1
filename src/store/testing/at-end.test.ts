/** The end of a test, in the order that its parts need. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { atEnd, temporaryDir } from "./at-end.ts";

test("a directory goes after what was opened in it, also when closing that fails", async () => {
  const hooks: Array<() => Promise<void>> = [];
  const t = { after: (hook: unknown) => hooks.push(hook as () => Promise<void>) } as never;
  const steps: string[] = [];
  const dir = temporaryDir(t);
  const step = (name: string) => atEnd(t, () => steps.push(`${name} ${existsSync(dir)}`));
  step("first");
  atEnd(t, () => assert.fail("cannot close"));
  step("second");
  assert.equal(hooks.length, 1);
  await assert.rejects(hooks[0]!(), /cannot close/);
  assert.deepEqual(steps, ["second true", "first true"]);
  assert.equal(existsSync(dir), false);
});
