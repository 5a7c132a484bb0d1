/** Mutated frames: the codec and the session always return messages or a typed error.
 *
 *  `FUZZ_SEED=7 FUZZ_COUNT=1000000 node --test` repeats a run or makes a longer one. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { cpuMs } from "../../../test/fixtures/cpu-time.ts";
import fc from "../../../test/fixtures/fast-check.ts";
import { chanceFrom, mutate } from "../../../test/fuzz/mutate.ts";
import { ClusterError } from "../../core/error.ts";
import { decodeFrames, encodeEnvelope } from "./codec.ts";
import { ManagerSession } from "./session.ts";
import { envelopes } from "./testdata/arbitrary.ts";
import { fromHex, oldFrames, ourFrames, toHex } from "./testdata/golden.ts";

const seed = Number(process.env.FUZZ_SEED ?? 1);
const count = Number(process.env.FUZZ_COUNT ?? 30_000);
/** Of the processor: far above what a small frame takes, far below a hang. */
const slowestMs = 1_000;

it(`${count} mutated frames give messages or typed errors, seed ${seed}`, () => {
  const chance = chanceFrom(seed);
  const corpus = [
    ...[...oldFrames, ...ourFrames].map(({ hex }) => fromHex(hex)),
    ...fc.sample(envelopes, { seed, numRuns: 200 }).map((envelope) => encodeEnvelope(envelope)),
  ];
  const outcomes = { read: 0, refused: 0 };
  let manager = new ManagerSession({ role: "manager" });
  let worker = new ManagerSession({ role: "worker" });
  for (let n = 0; n < count; n++) {
    const frame = mutate(corpus, chance);
    const tookMs = cpuMs(() => {
      try {
        const read = decodeFrames(frame);
        outcomes.read++;
        // What was read can be written again with the same meaning.
        for (const envelope of read) {
          assert.deepEqual(decodeFrames(encodeEnvelope(envelope)), [envelope], toHex(frame));
        }
      } catch (error) {
        outcomes.refused++;
        assertTyped(error, frame);
      }
      manager = receive(manager, "manager", frame);
      worker = receive(worker, "worker", frame);
    });
    assert.ok(tookMs < slowestMs, `slow: ${toHex(frame)}`);
  }
  assert.ok(outcomes.read > count / 20, `only ${outcomes.read} of ${count} could be read`);
  assert.ok(outcomes.refused > count / 20, `only ${outcomes.refused} of ${count} were refused`);
});

/** The session to continue with: a new one after a violation, as the link would be closed. */
function receive(session: ManagerSession, role: "manager" | "worker", frame: Uint8Array) {
  try {
    session.receive(frame);
    return session;
  } catch (error) {
    assertTyped(error, frame);
    return new ManagerSession({ role });
  }
}

function assertTyped(error: unknown, frame: Uint8Array): void {
  const typed = error instanceof ClusterError && error.code === "protocol-violated";
  if (!typed) throw new Error(`untyped error on ${toHex(frame)}`, { cause: error });
}
