/** What Prometheus reads. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyState } from "../../core/coordinator.ts";
import { Metrics } from "./metrics.ts";

test("attempts and lost workers are counted, gauges are taken from the state", async () => {
  const metrics = new Metrics();
  const report = { task: 0, attempt: 1, durationMs: 400 };
  const output = { root: "", sizeBytes: 1, records: 1 };
  metrics.see({
    kind: "attempts-reported",
    atMs: 1,
    worker: "w-1",
    job: "j-1",
    stage: 0,
    reports: [
      { ...report, kind: "done", output },
      { ...report, kind: "returned" },
    ],
  });
  metrics.see({ kind: "worker-lost", atMs: 2, worker: "w-1", reason: "silent" });
  const { contentType, text } = await metrics.scrape(emptyState(), { atMs: 3, position: 7 });
  assert.match(contentType, /^text\/plain/);
  assert.match(text, /^tequio_attempts_total\{outcome="done"\} 1$/m);
  assert.match(text, /^tequio_attempts_total\{outcome="returned"\} 1$/m);
  assert.match(text, /^tequio_workers_left_total\{reason="silent"\} 1$/m);
  assert.match(text, /^tequio_attempt_seconds_bucket\{le="0.5"\} 1$/m);
  assert.match(text, /^tequio_attempt_seconds_bucket\{le="0.1"\} 0$/m);
  assert.match(text, /^tequio_tasks\{state="ready"\} 0$/m);
  assert.match(text, /^tequio_log_position 7$/m);
});
