/** Task ids: packed both ways, shaped like the ids of existing implementations, never mistaken for
 *  them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cpuMs } from "../../../test/fixtures/cpu-time.ts";
import fc from "../../../test/fixtures/fast-check.ts";
import type { AttemptRef } from "../../core/ids.ts";
import { packTaskId, unpackTaskId } from "./taskid.ts";
import { clusterTag, foreignTaskId, packedHex, packedRef, toHex } from "./testdata/golden.ts";

const u32 = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 0xffff_ffff }));
const refs: fc.Arbitrary<AttemptRef> = fc.record({
  job: fc.integer({ min: 1, max: 999_999_999_999_999 }).map((n) => `j-${n}` as const),
  stage: u32,
  task: u32,
  attempt: u32.map((n) => n || 1),
});
const tags = fc.uint8Array({ minLength: 8, maxLength: 8 });

describe("a task id", () => {
  it("has the documented bytes", () => {
    assert.equal(toHex(packTaskId(clusterTag, packedRef)), packedHex);
  });

  it("unpacks to the attempt that it was packed from", () => {
    fc.assert(
      fc.property(tags, refs, (tag, ref) => {
        const id = packTaskId(tag, ref);
        assert.deepEqual(unpackTaskId(id), { ...ref });
        assert.deepEqual(unpackTaskId(id, tag), { ...ref });
      }),
    );
  });

  it("of another cluster is foreign when a tag is given", () => {
    const other = clusterTag.map((byte, n) => (n === 7 ? byte + 1 : byte));
    assert.equal(unpackTaskId(packTaskId(clusterTag, packedRef), other), null);
  });

  it("of an existing implementation is foreign, and so is anything else", () => {
    assert.equal(unpackTaskId(foreignTaskId), null);
    for (let length = 0; length < 34; length++) {
      assert.equal(unpackTaskId(packTaskId(clusterTag, packedRef).subarray(0, length)), null);
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 30, maxLength: 36 }), (bytes) => {
        assert.equal(unpackTaskId(bytes), null);
      }),
    );
  });

  it("that names no attempt is foreign: job 0, attempt 0, a job above the limit", () => {
    const changed = (at: number, byte: number) => {
      const id = packTaskId(clusterTag, packedRef);
      id[at] = byte;
      return unpackTaskId(id);
    };
    assert.equal(changed(17, 0), null);
    assert.equal(changed(29, 0), null);
    assert.equal(changed(10, 1), null);
    assert.equal(changed(11, 4), null);
  });

  it("is refused for an impossible attempt", () => {
    const bad: ReadonlyArray<Partial<AttemptRef>> = [
      { job: "j-0" },
      { stage: -1 },
      { task: 1.5 },
      { task: 2 ** 32 },
      { attempt: 0 },
    ];
    for (const part of bad) {
      assert.throws(() => packTaskId(clusterTag, { ...packedRef, ...part }), /broken law/);
    }
    assert.throws(() => packTaskId(new Uint8Array(7), packedRef), /broken law/);
  });

  it("costs so little that 100,000 are packed and unpacked in well under a second", () => {
    const tookMs = cpuMs(() => {
      for (let task = 0; task < 100_000; task++) {
        assert.ok(unpackTaskId(packTaskId(clusterTag, { ...packedRef, task }))!.task === task);
      }
    });
    assert.ok(tookMs < 1000, `${tookMs} ms`);
  });
});
