/** What every link must do, whatever carries it. Call `linkConformance` from the test of a new
 *  carrier. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Link } from "../../src/link/link.ts";

/** Opens two ends of one link; `frameMaxBytes` is the limit for frames that the second end
 *  receives. */
export type OpenLinks = (
  test: TestContext,
  limits: { readonly frameMaxBytes: number },
) => Promise<readonly [Link, Link]>;

const frameMaxBytes = 64 * 1024;

export function linkConformance(name: string, openLinks: OpenLinks): void {
  const open: Open = (test) => openLinks(test, { frameMaxBytes });
  describe(`a link over ${name}`, () => {
    frameTests(open);
    closeTests(open);
    limitTests(open);
  });
}

type Open = (test: TestContext) => Promise<readonly [Link, Link]>;

function frameTests(open: Open): void {
  it("delivers frames whole and in order, both ways", async (test) => {
    const [first, second] = await open(test);
    const sent = Array.from({ length: 500 }, (_, n) => new Uint8Array(n * 37).fill(n));
    const there = collect(second, sent.length);
    const back = collect(first, sent.length);
    for (const frame of sent) {
      first.send(frame);
      second.send(frame);
    }
    assert.deepEqual(await there, sent);
    assert.deepEqual(await back, sent);
  });

  it("hands out plain byte arrays, also an empty one", async (test) => {
    const [first, second] = await open(test);
    const got = collect(second, 2);
    first.send(new Uint8Array(0));
    first.send(Buffer.from("buffer").subarray(1));
    const [empty, part] = await got;
    assert.equal(empty?.length, 0);
    assert.deepEqual([...part!], [...Buffer.from("uffer")]);
  });

  it("keeps frames that arrive before there is a receiver", async (test) => {
    const [first, second] = await open(test);
    const early = collect(first, 1);
    second.send(Uint8Array.of(1));
    await early;
    first.send(Uint8Array.of(2));
    // Time to arrive and be lost, for a link that would lose it.
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(await collect(second, 1), [Uint8Array.of(2)]);
  });

  it("delivers never inside send", async (test) => {
    const [first, second] = await open(test);
    let inside = true;
    const delivered = new Promise<boolean>((resolve) => second.onFrame(() => resolve(inside)));
    first.send(Uint8Array.of(1));
    inside = false;
    assert.equal(await delivered, false);
  });
}

function closeTests(open: Open): void {
  it("delivers what was sent before a close, then reports the reason, once", async (test) => {
    const [first, second] = await open(test);
    const log: string[] = [];
    const told = new Promise<void>((resolve) => {
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
    first.close("closed twice");
    await told;
    assert.equal(await own, "the job is done");
    assert.deepEqual(log, ["frame of 5", "the job is done"]);
  });

  it("takes sends after the close without effect", async (test) => {
    const [first, second] = await open(test);
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
  });

  it("reports a close also to a late listener", async (test) => {
    const [first, second] = await open(test);
    first.onFrame(() => {});
    second.onFrame(() => {});
    const there = closed(second);
    first.close("early");
    await there;
    assert.equal(await closed(first), "early");
  });

  it("cuts a long reason at a whole character", async (test) => {
    const [first, second] = await open(test);
    first.onFrame(() => {});
    second.onFrame(() => {});
    const there = closed(second);
    first.close(`a${"é".repeat(100)}`);
    assert.equal(await there, `a${"é".repeat(59)}`);
  });
}

function limitTests(open: Open): void {
  it("closes both sides when a frame is larger than the limit, not before", async (test) => {
    const [first, second] = await open(test);
    first.onFrame(() => {});
    const sizes: number[] = [];
    second.onFrame((frame) => sizes.push(frame.length));
    const [here, there] = [closed(first), closed(second)];
    first.send(new Uint8Array(frameMaxBytes));
    first.send(new Uint8Array(frameMaxBytes + 1));
    first.send(new Uint8Array(1));
    assert.equal(await here, "a frame was larger than the peer accepts (code 1009)");
    assert.match(await there, /larger than 65536 bytes/);
    assert.deepEqual(sizes, [frameMaxBytes]);
  });

  it("counts what waits, and nothing when all is delivered", async (test) => {
    const [first, second] = await open(test);
    const got = collect(second, 1);
    assert.equal(first.pendingBytes(), 0);
    first.send(new Uint8Array(1000));
    await got;
    assert.equal(first.pendingBytes(), 0);
  });
}

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
