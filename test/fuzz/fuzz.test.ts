/** For any bytes every decoder returns a value or a typed refusal, quickly, and in little memory.
 *
 *  `FUZZ_SEED=7 FUZZ_COUNT=5000000 node --test test/fuzz/fuzz.test.ts` repeats a run, or makes a
 *  longer one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterError } from "../../src/core/error.ts";
import { cpuMs } from "../fixtures/cpu-time.ts";
import { depth } from "../fixtures/depth.ts";
import { type Decoder, decoders } from "./decoders.ts";
import { chanceFrom, mutate } from "./mutate.ts";

const seed = Number(process.env.FUZZ_SEED ?? 1);
/** Inputs of each wire, over all of its decoders. */
const count = Number(process.env.FUZZ_COUNT ?? depth(200_000, 30_000));
/** Of the processor. */
const slowestMs = 100;
/** A collection of garbage is not a slow decoder: a slow input is slow each time. */
const triesMax = 3;
const memoryMaxKb = 64 * 1024;
/** Inputs between two checks of the peak memory. */
const batch = 500;
/** Most inputs are refused, by errors whose stacks took half of the time. */
const stackFrames = Error.stackTraceLimit;
Error.stackTraceLimit = 0;

const wires = ["manager", "block", "api", "log", "p4", "console", "browser", "filesystem"] as const;

for (const wire of wires) {
  const ofWire = decoders.filter((decoder) => decoder.wire === wire);
  test(`${wire}: ${count} changed inputs give values or typed refusals, seed ${seed}`, (t) => {
    let total = 0;
    for (const decoder of ofWire) {
      const inputs = Math.ceil(count * decoder.share);
      const refused = fuzz(decoder, inputs);
      total += inputs;
      t.diagnostic(`${decoder.name}: ${inputs} inputs, ${refused} refused`);
    }
    assert.ok(total >= count);
  });
}

for (const decoder of decoders) {
  test(`${decoder.wire} ${decoder.name}: cut at any byte, a sample is read or refused`, () => {
    for (const sample of decoder.samples) {
      decoder.decode(sample);
      for (let length = 0; length < sample.length; length += 1) {
        feed(decoder, sample.slice(0, length));
      }
    }
  });
}

/** Returns how many were refused. */
function fuzz(decoder: Decoder, inputs: number): number {
  const chance = chanceFrom(seed);
  let refused = 0;
  let peakKb = 0;
  for (let n = 0; n < inputs; n += 1) {
    if (!feed(decoder, mutate(decoder.samples, chance))) refused += 1;
    if (n % batch !== batch - 1) continue;
    const nowKb = process.resourceUsage().maxRSS;
    // The first batch also pays for compiling.
    const isHigh = peakKb > 0 && nowKb - peakKb > memoryMaxKb;
    assert.ok(!isHigh, `${decoder.name}: memory grew by ${nowKb - peakKb} kB up to input ${n}`);
    peakKb = nowKb;
  }
  return refused;
}

/** Returns whether the input was accepted. */
function feed(decoder: Decoder, bytes: Uint8Array): boolean {
  for (let tries = 1; ; tries += 1) {
    let wasRead = false;
    const tookMs = cpuMs(() => {
      wasRead = isRead(decoder, bytes);
    });
    if (tookMs <= slowestMs) return wasRead;
    assert.ok(tries < triesMax, `${decoder.name}: ${tookMs} ms for ${hex(bytes)}`);
  }
}

function isRead(decoder: Decoder, bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes);
    return true;
  } catch (error) {
    const isTyped = error instanceof ClusterError && decoder.refusals.includes(error.code);
    if (isTyped) return false;
    throw new Error(`${decoder.name}: an untyped failure on ${hex(bytes)}`, {
      cause: withStack(decoder, bytes) ?? error,
    });
  }
}

/** The same failure once more, for those who read of it. */
function withStack(decoder: Decoder, bytes: Uint8Array): unknown {
  Error.stackTraceLimit = stackFrames;
  try {
    decoder.decode(bytes);
    return null;
  } catch (error) {
    return error;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
