/** Mutated frames: whatever comes, the codec and the session answer with a typed error or with
 *  messages.
 *
 *  `FUZZ_SEED=7 FUZZ_COUNT=1000000 node --test` repeats a run or makes a longer one. */
import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { ClusterError } from "../../core/error.ts";
import { decodeFrames, encodeEnvelope } from "./codec.ts";
import { ManagerSession } from "./session.ts";
import { envelopes } from "./testdata/arbitrary.ts";
import { fromHex, oldFrames, ourFrames, toHex } from "./testdata/golden.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 1_000_000);
const count = Number(process.env["FUZZ_COUNT"] ?? 30_000);
/** Far above what a small frame takes, far below a hang. */
const slowestMs = 1_000;

it(`${count} mutated frames give messages or typed errors, seed ${seed}`, () => {
  const chance = randomFrom(seed);
  const corpus = [
    ...[...oldFrames, ...ourFrames].map(({ hex }) => fromHex(hex)),
    ...fc.sample(envelopes, { seed, numRuns: 200 }).map((envelope) => encodeEnvelope(envelope)),
  ];
  const outcomes = { read: 0, refused: 0 };
  let manager = new ManagerSession({ role: "manager" });
  let worker = new ManagerSession({ role: "worker" });
  for (let n = 0; n < count; n++) {
    const frame = mutate(corpus, chance);
    const startedMs = performance.now();
    try {
      const read = decodeFrames(frame);
      outcomes.read++;
      // What was read can be said again and means the same.
      for (const envelope of read) {
        assert.deepEqual(decodeFrames(encodeEnvelope(envelope)), [envelope], toHex(frame));
      }
    } catch (error) {
      outcomes.refused++;
      assertTyped(error, frame);
    }
    manager = receive(manager, "manager", frame);
    worker = receive(worker, "worker", frame);
    assert.ok(performance.now() - startedMs < slowestMs, `slow: ${toHex(frame)}`);
  }
  assert.ok(outcomes.read > count / 20, `only ${outcomes.read} of ${count} could be read`);
  assert.ok(outcomes.refused > count / 20, `only ${outcomes.refused} of ${count} were refused`);
});

/** The session to go on with: a new one when this one saw a violation, as a link would be
 *  closed. */
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

function mutate(corpus: readonly Uint8Array[], chance: (below: number) => number): Uint8Array {
  const pick = () => corpus[chance(corpus.length)]!;
  let frame = Uint8Array.from(pick());
  for (let times = chance(4); times >= 0; times--) {
    const at = chance(frame.length + 1);
    const rest = frame.subarray(Math.min(frame.length, at + chance(5)));
    const start = frame.subarray(0, at);
    switch (chance(6)) {
      case 0:
        if (at < frame.length) frame[at] = chance(256);
        break;
      case 1:
        if (at < frame.length) frame[at] = frame[at]! ^ (1 << chance(8));
        break;
      case 2:
        frame = join(start, rest);
        break;
      case 3:
        frame = join(
          start,
          Uint8Array.from({ length: chance(12) }, () => chance(256)),
          rest,
        );
        break;
      case 4:
        frame = join(start, pick(), rest);
        break;
      default:
        // Numbers that decoders trip over.
        frame = join(start, extremes[chance(extremes.length)]!, rest);
    }
  }
  return frame;
}

const extremes = [
  "ffffffffffffffffff01",
  "ffffffff0f",
  "808080808000",
  "00",
  "7f",
  "c33e",
  "c43e",
].map(fromHex);

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** mulberry32: the same numbers for the same seed. */
function randomFrom(start: number): (below: number) => number {
  let state = start >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
