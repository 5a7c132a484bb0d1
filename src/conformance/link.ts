/** What every link must do, whatever carries it. */
import assert from "node:assert/strict";
import type { Link } from "../link/link.ts";
import { type Check, checksOf, type SuiteOptions } from "./check.ts";

/** Opens a new link and gives both ends of it. Nothing may have been received from either, and the
 *  second one takes no frame larger than `frameMaxBytes`. `close`, where there is one, is called
 *  when both ends have been closed. */
export type OpenLinks = (limits: { readonly frameMaxBytes: number }) => Promise<{
  readonly ends: readonly [Link, Link];
  readonly close?: () => Promise<void> | void;
}>;

const frameMaxBytes = 64 * 1024;

export function linkChecks(open: OpenLinks, options: SuiteOptions = {}): Check[] {
  const withLink = (run: Tests[string]) => async () => {
    const { ends, close } = await open({ frameMaxBytes });
    try {
      await run(...ends);
    } finally {
      for (const end of ends) end.close();
      await close?.();
    }
  };
  const tests = Object.entries({ ...frameTests, ...closeTests, ...limitTests });
  return checksOf(
    "link",
    Object.fromEntries(tests.map(([title, run]) => [title, withLink(run)])),
    options,
  );
}

type Tests = Record<string, (first: Link, second: Link) => Promise<void>>;

const frameTests: Tests = {
  "delivers frames whole and in order, both ways": async (first, second) => {
    const sent = Array.from({ length: 500 }, (_, n) => new Uint8Array(n * 37).fill(n));
    const there = collect(second, sent.length);
    const back = collect(first, sent.length);
    for (const frame of sent) {
      first.send(frame);
      second.send(frame);
    }
    assert.deepEqual(await there, sent);
    assert.deepEqual(await back, sent);
  },

  "delivers plain byte arrays, also an empty one": async (first, second) => {
    const got = collect(second, 2);
    first.send(new Uint8Array(0));
    first.send(Buffer.from("buffer").subarray(1));
    const [empty, part] = await got;
    assert.equal(empty?.length, 0);
    assert.deepEqual([...part!], [...Buffer.from("uffer")]);
  },

  "keeps frames that arrive before a receiver is set": async (first, second) => {
    const early = collect(first, 1);
    second.send(Uint8Array.of(1));
    await early;
    first.send(Uint8Array.of(2));
    // Time to arrive and be lost, for a link that would lose it.
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(await collect(second, 1), [Uint8Array.of(2)]);
  },

  "never delivers inside send": async (first, second) => {
    let inside = true;
    const delivered = new Promise<boolean>((resolve) => second.onFrame(() => resolve(inside)));
    first.send(Uint8Array.of(1));
    inside = false;
    assert.equal(await delivered, false);
  },
};

const closeTests: Tests = {
  "delivers what was sent before a close, then reports why, once": async (first, second) => {
    const log: string[] = [];
    const reported = new Promise<void>((resolve) => {
      second.onFrame((frame) => log.push(`frame of ${frame.length}`));
      second.onClose((reason) => {
        log.push(reason);
        resolve();
      });
    });
    const own = closed(first);
    first.onFrame(() => {});
    first.send(new Uint8Array(5));
    first.close("the job is done");
    first.close("again");
    await reported;
    assert.equal(await own, "the job is done");
    assert.deepEqual(log, ["frame of 5", "the job is done"]);
  },

  "ignores sends after the close": async (first, second) => {
    const frames: Uint8Array[] = [];
    second.onFrame((frame) => frames.push(frame));
    first.onFrame((frame) => frames.push(frame));
    const [here, there] = [closed(first), closed(second)];
    first.close();
    first.send(Uint8Array.of(1));
    second.send(Uint8Array.of(2));
    await Promise.all([here, there]);
    first.send(Uint8Array.of(3));
    second.send(Uint8Array.of(4));
    second.close();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(frames, []);
  },

  "reports a close also to a listener that is set late": async (first, second) => {
    first.onFrame(() => {});
    second.onFrame(() => {});
    const there = closed(second);
    first.close("early");
    await there;
    assert.equal(await closed(first), "early");
  },

  "cuts a reason of more than 120 bytes at a whole character": async (first, second) => {
    first.onFrame(() => {});
    second.onFrame(() => {});
    const there = closed(second);
    first.close(`a${"é".repeat(100)}`);
    assert.equal(await there, `a${"é".repeat(59)}`);
  },
};

const limitTests: Tests = {
  "closes both sides when a frame is larger than the limit, not before": async (first, second) => {
    first.onFrame(() => {});
    const sizes: number[] = [];
    second.onFrame((frame) => sizes.push(frame.length));
    const [here, there] = [closed(first), closed(second)];
    first.send(new Uint8Array(frameMaxBytes));
    first.send(new Uint8Array(frameMaxBytes + 1));
    first.send(new Uint8Array(1));
    assert.match(await here, /larger than the peer accepts/);
    assert.match(await there, /larger than 65536 bytes/);
    assert.deepEqual(sizes, [frameMaxBytes]);
  },

  "counts what waits, and nothing when all is delivered": async (first, second) => {
    const got = collect(second, 1);
    assert.equal(first.pendingBytes(), 0);
    first.send(new Uint8Array(1000));
    await got;
    assert.equal(first.pendingBytes(), 0);
  },
};

function collect(link: Link, count: number): Promise<Uint8Array[]> {
  return new Promise((resolve) => {
    const frames: Uint8Array[] = [];
    link.onFrame((frame) => {
      frames.push(frame);
      if (frames.length === count) resolve(frames);
    });
  });
}

function closed(link: Link): Promise<string> {
  return new Promise((resolve) => link.onClose(resolve));
}
