/** Damage to the store of a NATS server: what it acknowledged is there, or the log is refused. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { Random } from "../../src/core/random.ts";
import { openJetStreamLog } from "../../src/engine/jetstream/log.ts";
import { jetStreamPlace } from "../../src/engine/jetstream/place.ts";
import type { Blobs } from "../../src/store/blob/blob.ts";
import { openMemoryBlobs } from "../../src/store/blob/memory.ts";
import type { Log } from "../../src/store/log/log.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";
import { NatsServers, withoutNats } from "../engines/nats-servers.ts";
import { recordBytes } from "../failpoints/store-contents.ts";
import { damage, type Files, filesIn, flips, refusal } from "./flips.ts";

const skip = withoutNats;
const seed = Number(process.env.FLIP_SEED ?? 1);
const flipCount = Number(process.env.FLIP_COUNT ?? 24);
const imageCount = Number(process.env.IMAGE_COUNT ?? 8);
const codes = ["storage-failed", "version-mismatch", "bad-request", "unavailable", "not-found"];
/** A server that does not serve its stream any more. */
const times = { connectMs: 2_000, answerMs: 2_000 };

let servers: NatsServers;

before(async () => {
  if (skip === false) servers = await NatsServers.start(1);
});
after(async () => {
  if (skip === false) await servers.remove();
});

/** Of the log of a test, with blobs and witness as they were. */
class Store {
  readonly #url: string;
  readonly #blobs: Blobs = openMemoryBlobs();
  readonly #dir: string;

  constructor(t: TestContext, name: string) {
    this.#url = servers.url(name);
    this.#dir = temporaryDir(t, "jetstream-damage-");
  }

  /** `witness`: of which reader; null = of a machine that has never written the log. */
  open(witness: string | null): Promise<Log> {
    return openJetStreamLog(jetStreamPlace(this.#url, { allowSingle: true }), {
      snapshots: this.#blobs,
      witness: witness === null ? null : join(this.#dir, witness),
      holder: "a test",
      awayMaxMs: 2_000,
      times,
    });
  }

  /** Positions and bytes of all records, or why they are refused. */
  async says(witness: string | null): Promise<string[]> {
    let log: Log | null = null;
    const records: string[] = [];
    try {
      log = await this.open(witness);
      for await (const { position, bytes } of log.read(0)) {
        records.push(`${position} ${Buffer.from(bytes).toString("hex")}`);
      }
      assert.equal(await log.last(), records.length);
      return records;
    } catch (error) {
      return [refusal(error, codes)];
    } finally {
      await log?.close();
    }
  }
}

/** The server on these files. */
async function restart(put: (dir: string) => void): Promise<void> {
  await servers.down(0);
  rmSync(servers.storeOf(0), { recursive: true, force: true });
  put(servers.storeOf(0));
  await servers.up(0);
}

test(`C6: ${flipCount} flipped bits in the store of a NATS server: none is silent`, {
  skip,
}, async (t) => {
  const store = new Store(t, "flips");
  const log = await store.open("witness");
  for (let last = 0; last < 40; ) {
    last = await log.append([recordBytes(last + 1, false), recordBytes(last + 2, false)], last);
  }
  await log.close();
  const truth = await store.says("witness");
  assert.equal(truth.length, 40);
  await servers.down(0, "SIGTERM");
  const files = filesIn(servers.storeOf(0));
  const next = flips(files, new Random(seed));
  const counts = { refused: 0, harmless: 0 };
  for (let n = 0; n < flipCount; n += 1) {
    const [name, bit] = next();
    await restart((dir) => damage(files, name, bit, dir));
    const found = await store.says("witness");
    if (found[0]?.startsWith("refused")) counts.refused += 1;
    else {
      assert.deepEqual(found, truth, `bit ${bit} of ${name}, seed ${seed}: silently different`);
      counts.harmless += 1;
    }
  }
  assert.ok(counts.refused > 0, JSON.stringify(counts));
  t.diagnostic(`${counts.refused} refused, ${counts.harmless} changed nothing, seed ${seed}`);
  await restart((dir) => damage(files, "", 0, dir));
});

/** What a disk may have after a loss of power: of a file that grows, all that was synced and any
 *  part of the rest, cut off or as zeros; of the others, which are replaced, the old or the new
 *  one. */
function afterPowerLoss(synced: Files, later: Files, random: Random): Files {
  const files = new Map<string, Buffer>();
  for (const [name, bytes] of later) {
    const before = synced.get(name);
    if (!name.endsWith(".blk")) {
      files.set(name, before !== undefined && random.below(2) === 0 ? before : bytes);
      continue;
    }
    const from = Math.min(before?.byteLength ?? 0, bytes.byteLength);
    const end = from + random.below(bytes.byteLength - from + 1);
    const zeros = Buffer.alloc(random.below(2) === 0 ? 0 : bytes.byteLength - end);
    files.set(name, Buffer.concat([bytes.subarray(0, end), zeros]));
  }
  return files;
}

test(`C3: ${imageCount} losses of power of a NATS server: what it acknowledged is there`, {
  skip,
}, async (t) => {
  const store = new Store(t, "images");
  const log = await store.open("witness");
  const random = new Random(seed);
  const written: string[] = [];
  const images: Array<{ readonly files: Files; readonly acknowledged: number }> = [];
  const append = async (count: number) => {
    for (let done = 0; done < count; done += 1) {
      const record = recordBytes(written.length + 1, false);
      await log.append([record], written.length);
      written.push(`${written.length + 1} ${Buffer.from(record).toString("hex")}`);
    }
  };
  while (images.length < imageCount) {
    await append(1 + random.below(20));
    const acknowledged = written.length;
    const synced = filesIn(servers.storeOf(0));
    const writing = append(1 + random.below(4));
    if (random.below(2) === 0) await writing;
    const later = filesIn(servers.storeOf(0));
    images.push({ files: afterPowerLoss(synced, later, random), acknowledged });
    await writing;
  }
  await log.close();
  for (const [index, { acknowledged, files }] of images.entries()) {
    await restart((dir) => damage(files, "", 0, dir));
    const found = await store.says(null);
    const which = `image ${index}, seed ${seed}`;
    assert.deepEqual(found, written.slice(0, found.length), `${which}: not what was written`);
    const isThere = found.length >= acknowledged;
    assert.ok(isThere, `${which}: ${acknowledged} acknowledged, ${found.length} there`);
  }
});

test("C13: a log whose stream is gone is refused on a machine that has not written it", {
  skip,
}, async (t) => {
  const store = new Store(t, "gone");
  const log = await store.open(null);
  await log.append([recordBytes(1, false)], 0);
  await log.close();
  await servers.down(0, "SIGTERM");
  const streams = join(servers.storeOf(0), "jetstream", "$G", "streams");
  rmSync(join(streams, "gone_log"), { recursive: true });
  await servers.up(0);
  assert.deepEqual(await store.says(null), ["refused: storage-failed"]);
});
