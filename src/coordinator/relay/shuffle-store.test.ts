/** What stays in the object store of map outputs, and for how long. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JobId } from "../../core/ids.ts";
import { ManualTimers } from "../testing/manual-timers.ts";
import { ShuffleStore } from "./shuffle-store.ts";

test("an output that is put after its job has ended goes once its address is void", async () => {
  const timers = new ManualTimers();
  const folders = new Set<string>();
  const running = new Set<JobId>(["j-1", "j-2"]);
  const objects = {
    folders: async () => [...folders],
    remove: async (job: string) => void folders.delete(job),
    putAddress: (key: string) => `https://store/${key}`,
  };
  const store = new ShuffleStore({
    objects: objects as never,
    isRunning: (job) => running.has(job),
    confirm: async () => {},
    timers,
    expiresS: 900,
  });
  store.start();
  await timers.settle();
  for (const job of running) store.uploadAddress({ job, stage: 0, task: 0, attempt: 1 }, 10);
  folders.add("j-1").add("j-2");
  running.delete("j-1");
  await store.jobEnded("j-1");
  assert.deepEqual([...folders], ["j-2"]);
  folders.add("j-1");
  timers.pass(900_000);
  await timers.settle();
  assert.deepEqual([...folders], ["j-2", "j-1"], "an address may still be used");
  timers.pass(60_000);
  await timers.settle();
  assert.deepEqual([...folders], ["j-2"]);
  store.stop();
});
