/** What a browser is sent, and when. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TabRun } from "./runs.ts";
import { Tab } from "./tab.ts";

function browser(isBasic: boolean) {
  const sent: string[] = [];
  const send = (text: string) => void sent.push(text);
  const worker = "w-1" as const;
  const tab = new Tab({ uid: "1", worker, isBasic, session: "", slots: 1, lastTid: 0, send });
  for (const tid of [1, 2, 3]) tab.runs.set(tid, { tid } as TabRun);
  return { tab, sent };
}

test("a basic browser gets its next task when it has reported how one ended", () => {
  const { sent, tab } = browser(true);
  tab.give(1, "first");
  tab.give(2, "second");
  assert.deepEqual(sent, ["first"]);
  // The first was aborted meanwhile, of which a basic browser cannot be informed.
  tab.runs.delete(1);
  tab.hasEnded(7);
  assert.deepEqual(sent, ["first"]);
  tab.hasEnded(1);
  assert.deepEqual(sent, ["first", "second"]);
  tab.give(3, "third");
  tab.runs.delete(3);
  tab.hasEnded(null);
  assert.deepEqual(sent, ["first", "second"], "a task that was taken back meanwhile is not sent");
});

test("an authenticated tab gets tasks in advance", () => {
  const { sent, tab } = browser(false);
  for (const tid of [1, 2, 3]) tab.give(tid, String(tid));
  assert.deepEqual(sent, ["1", "2", "3"]);
});
