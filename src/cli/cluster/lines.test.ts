/** What `up` prints: the join line and the live line. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryPerWorker } from "../../client/memory.ts";
import type { JobSummary, StageSummary, WorkerSummary } from "../../core/summary.ts";
import { joinLine, reachableUrl } from "./join-line.ts";
import { clusterLine } from "./live.ts";

test("the join line names an address that others can dial", () => {
  assert.equal(reachableUrl("https://0.0.0.0:7070", ["10.0.0.5"]), "https://10.0.0.5:7070");
  assert.equal(reachableUrl("http://[::]:7070", []), "http://127.0.0.1:7070");
  assert.equal(reachableUrl("http://127.0.0.1:7070", ["10.0.0.5"]), "http://127.0.0.1:7070");
  assert.equal(joinLine("http://h:1", "t", ""), "tequio join http://h:1 --token t");
  assert.match(joinLine("https://h:1", "t", "ab"), / --fingerprint ab$/);
});

test("workers together get at most half of the machine, one at most a quarter", () => {
  assert.deepEqual(
    [0, 1, 2, 4].map((n) => memoryPerWorker(n, 16)),
    [4, 4, 4, 2],
  );
});

test("the live line counts workers that are here and names jobs that run", () => {
  const worker = { state: "live", slots: 1, running: 1 } as WorkerSummary;
  const lost = { state: "lost", slots: 8, running: 0 } as WorkerSummary;
  const stages = [{ done: 1, taskCount: 3 } as StageSummary];
  const job = { job: "j-2", name: "w\x1bx", state: "running", stages } as unknown as JobSummary;
  const workers = [worker, { ...worker, running: 0 }, lost];
  assert.equal(clusterLine(workers, [job]), "2 workers, 1 of 2 slots busy; j-2 w\\x1bx 33 %");
  const tab = { ...worker, running: 9 };
  assert.equal(clusterLine([tab, worker], []), "2 workers, 2 of 2 slots busy; no job is running");
  assert.equal(clusterLine([], []), "0 workers, 0 of 0 slots busy; no job is running");
});
