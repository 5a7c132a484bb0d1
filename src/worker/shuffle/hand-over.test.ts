/** What a worker that leaves does with its map outputs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterError } from "../../core/error.ts";
import type { AttemptRef } from "../../core/ids.ts";
import { handOver } from "./hand-over.ts";
import type { Output } from "./outputs.ts";

function ref(task: number): AttemptRef {
  return { job: "j-1", stage: 0, task, attempt: 1 };
}

type Trouble = (task: number) => ClusterError | null;

/** A coordinator that needs these outputs, and refuses some. */
function coordinator(tasks: readonly number[], trouble: Trouble = () => null) {
  const needed = new Set(tasks);
  const given: number[] = [];
  const stopping = new AbortController();
  const waits: number[] = [];
  const parts = {
    blobs: {
      needed: async () => [...needed].map(ref),
      relay: async ({ ref: { task } }: Output) => {
        const error = trouble(task);
        if (error !== null) throw error;
        given.push(task);
        needed.delete(task);
      },
    },
    outputs: {
      get: (of: AttemptRef) => ({ ref: of, manifest: { sizeBytes: 10 } }) as unknown as Output,
    },
    wait: async (ms: number) => {
      waits.push(ms);
    },
  };
  return { parts, given, needed, stopping, waits };
}

test("all that is needed is handed over, in the order in which it is asked for", async () => {
  const { given, parts, stopping } = coordinator([5, 3, 9, 1, 7, 2]);
  const handed = await handOver(parts, stopping.signal);
  assert.deepEqual(given, [5, 3, 9, 1, 7, 2]);
  assert.deepEqual(handed, { isWhole: true, outputs: 6, sizeBytes: 60 });
});

test("one that is damaged does not keep the others, and is not tried again", async () => {
  const { given, parts, stopping } = coordinator([0, 1, 2], (task) =>
    task === 1 ? new ClusterError("bad-request", "the run is not what its manifest says") : null,
  );
  assert.deepEqual(await handOver(parts, stopping.signal), {
    isWhole: false,
    outputs: 2,
    sizeBytes: 20,
  });
  assert.deepEqual(given, [0, 2]);
});

test("what is not needed any more when it comes ends well", async () => {
  const one = coordinator([0, 1], (task) => {
    if (task === 0) return null;
    one.needed.delete(1);
    return new ClusterError("not-found", "its output is not needed");
  });
  assert.equal((await handOver(one.parts, one.stopping.signal)).isWhole, true);
});

test("a coordinator without room is asked again, until the worker leaves", async () => {
  let tries = 0;
  const { given, parts, stopping, waits } = coordinator([0, 1, 2, 3, 4, 5], () => {
    tries += 1;
    return tries > 9 ? null : new ClusterError("storage-full", "the disk is full");
  });
  assert.equal((await handOver(parts, stopping.signal)).isWhole, true);
  assert.equal(given.length, 6);
  assert.ok(waits.length > 0 && tries <= 9 + 6 + 4, `${tries} tries, ${waits.length} waits`);
  const full = coordinator([0], () => new ClusterError("storage-full", "the disk is full"));
  const ending = handOver(
    { ...full.parts, wait: async () => full.stopping.abort() },
    full.stopping.signal,
  );
  await assert.rejects(ending, /abort/i);
});

test("a coordinator that knows no such call is left alone", async () => {
  const { parts, stopping, waits } = coordinator([0]);
  const needed = async () => {
    throw new ClusterError("not-found", "there is no GET /shuffle/leaving");
  };
  const handed = await handOver({ ...parts, blobs: { ...parts.blobs, needed } }, stopping.signal);
  assert.deepEqual(handed, { isWhole: false, outputs: 0, sizeBytes: 0 });
  assert.deepEqual(waits, []);
});
