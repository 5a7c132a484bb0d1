/** A slot of a tab gives its sandbox up when its process has died, and not because the browser gets
 *  no processor. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { FromTaskWorker, TaskOrder, ToSandbox } from "../../contract.ts";
import { tabLimits } from "../page-messages.ts";
import { type Handed, Slot } from "./slot.ts";

const secondsMost = tabLimits.silenceMaxMs / 1_000;
const order = { group: "g", code: "", pieces: [], segments: [], files: {} } as never as TaskOrder;

/** A slot that runs a task in a frame which never answers. */
function running(t: TestContext) {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const found = { task: null as MessagePort | null, wanted: 0, failure: null as unknown };
  let received = () => {};
  /** The task says something, which the slot has received. */
  const say = () =>
    new Promise<void>((resolve) => {
      received = resolve;
      found.task?.postMessage({ kind: "files", files: {} } satisfies FromTaskWorker);
    });
  const slot = new Slot(0, {
    silenceMaxMs: tabLimits.silenceMaxMs,
    want: () => found.wanted++,
    drop: () => {},
    python: () => null,
  });
  const sandbox = {
    onmessage: null,
    postMessage(message: ToSandbox, ports: readonly MessagePort[] = []) {
      if (message.kind === "start") found.task = ports[0] ?? null;
    },
    close() {},
  };
  slot.give(sandbox as never as MessagePort);
  t.after(() => slot.close());
  const limit = { timeoutMs: 0, share: 1 };
  slot.run(slot.hand(order) as Handed, limit, {
    said: () => received(),
    over: (failure) => (found.failure = failure),
  });
  return { found, say };
}

test("a frame that does not answer, and whose task is silent, is replaced", (t) => {
  const { found } = running(t);
  t.mock.timers.tick(secondsMost * 1_000);
  assert.equal(found.wanted, 1, "the first frame");
  t.mock.timers.tick(1_000);
  assert.equal(found.wanted, 2);
  assert.match(String(found.failure), /task-crashed: .*it has not answered for 30000 ms/);
});

test("a frame that does not answer lives as long as its task says something", async (t) => {
  const { found, say } = running(t);
  for (let second = 0; second < 2 * secondsMost; second += 10) {
    t.mock.timers.tick(10_000);
    assert.deepEqual([found.wanted, found.failure], [1, null], `after ${second + 10} s`);
    await say();
  }
  t.mock.timers.tick((secondsMost + 1) * 1_000);
  assert.equal(found.wanted, 2);
});
