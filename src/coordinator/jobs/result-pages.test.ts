/** Long results of lists: on pages, many with one write, and given back as they were. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { AttemptReport } from "../../core/event.ts";
import type { AttemptRef, JobId } from "../../core/ids.ts";
import type { TaskOutput } from "../../core/job.ts";
import { TestCluster, testJob, testStage } from "../../core/testing/fake-cluster.ts";
import { openMemoryBlobs } from "../../store/blob/memory.ts";
import { testMaxMs } from "../../store/testing/patience.ts";
import { polled } from "../../store/testing/polled.ts";
import { differingLine } from "../compare/lines.ts";
import { opened } from "../testing/opened.ts";
import { doneStatus, ScriptedWorker } from "../testing/scripted-worker.ts";
import { inlineMaxChars, ResultPages } from "./result-pages.ts";
import { oneText, textLines } from "./result-texts.ts";

const timeout = testMaxMs;

/** Of this many characters, and not alike. */
function textOf(chars: number): string {
  return JSON.stringify(
    randomBytes(chars)
      .toString("base64")
      .slice(0, chars - 2),
  );
}

function done(task: number, value: string): Extract<AttemptReport, { kind: "done" }> {
  const output = { root: "", sizeBytes: value.length, records: 1, value };
  return { kind: "done", task, attempt: 1, durationMs: 1, output };
}

function reported(job: JobId, reports: readonly AttemptReport[]) {
  return { kind: "attempts-reported", worker: "w-1", job, stage: 0, reports } as const;
}

function outputsOf({ reports }: { readonly reports: readonly AttemptReport[] }): TaskOutput[] {
  return reports.flatMap((one) => (one.kind === "done" ? [one.output] : []));
}

/** A job of a list, and a store that counts what is written to it and whose writes can fail. */
function pagesOf(taskCount: number) {
  const cluster = new TestCluster();
  const job = cluster.submit(testJob([testStage({ taskCount })]));
  const blobs = openMemoryBlobs();
  const written = { puts: 0, fails: false };
  const store = {
    async put(chunks: Iterable<Uint8Array>) {
      written.puts++;
      if (written.fails) throw new Error("no space");
      return blobs.put(chunks);
    },
    size: (hash: string) => blobs.size(hash),
    hold: async () => {},
  };
  return {
    cluster,
    job,
    blobs,
    written,
    pages: new ResultPages(store as never, () => cluster.state),
  };
}

async function linesOf(chunks: AsyncIterable<Uint8Array>): Promise<string[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString("utf8").trimEnd().split("\n");
}

test("long results are written together, and read back in the order of the tasks", async () => {
  const { job, pages, blobs, written } = pagesOf(300);
  const lengths = [3, inlineMaxChars, inlineMaxChars + 1, 20_000, 90_000];
  const values = Array.from({ length: 300 }, (_, task) => textOf(lengths[task % 5]!));
  values[7] = JSON.stringify("é".repeat(inlineMaxChars));
  // Two a message, as workers finish them: in no order.
  const tasks = values.map((_, task) => task).sort((a, b) => ((a * 7) % 300) - ((b * 7) % 300));
  const messages = Array.from({ length: 150 }, (_, n) => tasks.slice(2 * n, 2 * n + 2));
  const told = await Promise.all(
    messages.map((some) =>
      pages.moved(
        reported(
          job,
          some.map((task) => done(task, values[task]!)),
        ),
      ),
    ),
  );
  assert.ok(written.puts < 10, `${written.puts} writes for 150 messages`);
  const outputs = new Array<TaskOutput>(300);
  for (const { reports } of told) {
    for (const report of reports) if (report.kind === "done") outputs[report.task] = report.output;
  }
  for (const [task, output] of outputs.entries()) {
    const isShort = values[task]!.length <= inlineMaxChars;
    assert.equal(output.value, isShort ? values[task] : undefined);
    assert.equal(output.page === undefined, isShort);
    assert.equal(
      output.sizeBytes,
      isShort ? values[task]!.length : Buffer.byteLength(values[task]!),
    );
  }
  const line = (output: TaskOutput) => ({ before: "<", output, after: ">\n" });
  const read = await linesOf(textLines(blobs, outputs, line));
  assert.deepEqual(
    read,
    values.map((value) => `<${value}>`),
  );
});

test("equal long results look equal, also beside those of a log from before pages", async () => {
  const { cluster, job, pages } = pagesOf(2);
  const [one, other] = [textOf(20_000), textOf(20_000)];
  const roots = await Promise.all(
    [one, one, other].map(async (value) => {
      return outputsOf(await pages.moved(reported(job, [done(0, value)])))[0]!.root;
    }),
  );
  assert.equal(roots[0], roots[1]);
  assert.notEqual(roots[0], roots[2]);
  const worker = cluster.join();
  const [lease] = cluster.running.get(worker) as AttemptRef[];
  cluster.report(worker, lease!, done(lease!.task, one));
  const again = await pages.moved(reported(job, [done(lease!.task, one)]));
  assert.equal(outputsOf(again)[0]!.value, one);
});

test("results that cannot be stored are refused, and stored when there is room again", async () => {
  const { job, pages, written } = pagesOf(1);
  const event = reported(job, [done(0, textOf(20_000))]);
  written.fails = true;
  await assert.rejects(async () => pages.moved(event), /no space/);
  written.fails = false;
  assert.ok(outputsOf(await pages.moved(event))[0]!.page !== undefined);
});

test("where two results differ is found, wherever they lie", async () => {
  const { job, pages, blobs } = pagesOf(1);
  const text = textOf(20_000);
  const [long] = outputsOf(await pages.moved(reported(job, [done(0, text)])));
  const [short] = outputsOf(reported(job, [done(0, "1")]));
  const found = await differingLine(oneText(blobs, long!), oneText(blobs, short!));
  assert.equal(found?.second, "1");
  assert.equal(found?.first, text.slice(0, found.first.length));
  assert.equal(await differingLine(oneText(blobs, long!), oneText(blobs, long!)), null);
});

/** Bytes of all files below, but for those of blobs. */
function besideBlobs(dir: string): number {
  const all = readdirSync(dir, { recursive: true, withFileTypes: true });
  const files = all.filter((one) => one.isFile() && !/[/\\]blobs\b/.test(one.parentPath));
  return files.reduce(
    (sum, { name, parentPath }) => sum + statSync(join(parentPath, name)).size,
    0,
  );
}

/** How many files there are of blobs. */
function blobsIn(dir: string): number {
  const all = readdirSync(join(dir, "blobs"), { recursive: true, withFileTypes: true });
  return all.filter((one) => one.isFile()).length;
}

test("a coordinator gives long results over a restart, and removes them with their job", {
  timeout,
}, async (t) => {
  const cluster = await opened(t);
  const { token } = await cluster.token("worker", "w", { ttlMs: 60_000, usesMax: 1 });
  const worker = await ScriptedWorker.dial(t, cluster.url, token);
  await worker.join({ slots: 4 });
  const emptyBytes = besideBlobs(cluster.dataDir);
  const job = await cluster.submit(await cluster.tasksSpec(4));
  const before = blobsIn(cluster.dataDir);
  const values = ["1", textOf(600_000), textOf(700_000), "2"];
  let left = values.length;
  while (left > 0) {
    const assigned = await worker.assigned();
    left -= assigned.length;
    const statuses = assigned.map((one) => {
      return doneStatus(one, { output: done(one.ref.task, values[one.ref.task]!).output });
    });
    assert.equal((await worker.report(statuses)).kind, "ack");
  }
  const grownBytes = besideBlobs(cluster.dataDir) - emptyBytes;
  assert.ok(grownBytes < 600_000, `${grownBytes} bytes in the log`);
  const results = async (of: typeof cluster) => {
    return (await of.call("GET", `/v1/jobs/${job}/results`)).text();
  };
  const text = values.map((value) => `${value}\n`).join("");
  assert.equal(await results(cluster), text);
  await cluster.coordinator.close();
  const next = await opened(t, { dataDir: cluster.dataDir });
  assert.equal(await results(next), text);
  const live = await next.call("GET", `/v1/jobs/${job}/results?follow=1`);
  const lines = (await live.text()).trimEnd().split("\n");
  assert.deepEqual(lines, [...values.map((value, n) => `[${n},${value}]`), '"done"']);
  const { parts } = (await (await next.call("GET", `/v1/jobs/${job}/output`)).json()) as {
    parts: Array<{ hash: string }>;
  };
  assert.deepEqual(
    parts.map(({ hash }) => hash),
    ["", "", "", ""],
  );
  assert.ok(blobsIn(cluster.dataDir) > before);
  await next.call("DELETE", `/v1/jobs/${job}`);
  await polled(
    async () => blobsIn(cluster.dataDir),
    (count) => count < before,
  );
});
