/** Records of the log: what is written is read back, short and long, of this version and before. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeRecord, encodeBody, type NewEvent, recordBytes, textBytes } from "./journal.ts";

const atMs = 1_764_444_444_444;

function reports(count: number): NewEvent {
  return {
    kind: "attempts-reported",
    worker: "w-1",
    job: "j-1",
    stage: 0,
    reports: Array.from({ length: count }, (_, task) => {
      const output = { root: "", sizeBytes: 4, records: 1, value: `"é${task}"` };
      return { kind: "done", task, attempt: 1, durationMs: task / 1_000, output };
    }),
  };
}

test("records of many reports are read back, at a fraction of their size", () => {
  for (const count of [0, 1, 30, 40, 1_000]) {
    const event = reports(count);
    const bytes = recordBytes(encodeBody(event), atMs);
    const record = { position: 1, bytes };
    assert.deepEqual(decodeRecord(record), { atMs, ...event });
    const text = JSON.stringify({ atMs, ...event });
    assert.equal(textBytes(record), Buffer.byteLength(text));
    if (count >= 40) assert.ok(bytes.length < text.length / 3, `${bytes.length} bytes`);
    // As versions wrote it that did not compress.
    assert.deepEqual(decodeRecord({ position: 1, bytes: Buffer.from(text) }), { atMs, ...event });
  }
});

test("a damaged record is refused with its position, whatever it begins with", () => {
  const whole = recordBytes(encodeBody(reports(1_000)), atMs);
  const longer = whole.slice();
  longer[3] = 0xff;
  const shorter = whole.slice();
  shorter.set([1, 0, 0, 0], 1);
  for (const bytes of [whole.subarray(0, 4), whole.subarray(0, -9), shorter, new Uint8Array(9)]) {
    const refused = { code: "storage-failed", message: /^storage-failed: record 7 of the log/ };
    assert.throws(() => decodeRecord({ position: 7, bytes }), refused);
  }
  assert.equal(decodeRecord({ position: 7, bytes: longer }).atMs, atMs);
});
