/** The log in JetStream: the conformance tests of all logs, and what only these servers can do to
 *  it. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { logConformance } from "../../../test/conformance/register.ts";
import { NatsServers, withoutNats } from "../../../test/engines/nats-servers.ts";
import { bytesOf, pattern, refusal } from "../../conformance/bytes.ts";
import { inPlace } from "../../conformance/check.ts";
import { collect } from "../../conformance/log.ts";
import { errorWithout } from "../../link/testing/without-package.ts";
import { openDiskBlobs } from "../../store/blob/disk.ts";
import { openMemoryBlobs } from "../../store/blob/memory.ts";
import type { Log } from "../../store/log/log.ts";
import { atEnd } from "../../store/testing/at-end.ts";
import { waitMaxMs } from "../../store/testing/patience.ts";
import { ConnectionLost } from "../connection-lost.ts";
import { Connection } from "./connection.ts";
import { type JetStreamLogOptions, openJetStreamLog } from "./log.ts";
import { type JetStreamPlace, jetStreamPlace } from "./place.ts";
import { streamNames } from "./streams.ts";

const skip = withoutNats;
let servers: NatsServers;
let clusters = 0;

before(async () => {
  if (skip === false) servers = await NatsServers.start(1);
});
after(async () => {
  if (skip === false) await servers.remove();
});

function newPlace(): JetStreamPlace {
  clusters += 1;
  return jetStreamPlace(servers.url(`c${clusters}`), { allowSingle: true });
}

async function openIn(
  place: JetStreamPlace,
  over: Partial<JetStreamLogOptions> = {},
): Promise<Log> {
  return openJetStreamLog(place, {
    snapshots: openMemoryBlobs(),
    witness: null,
    holder: "a test",
    ...over,
  });
}

if (skip === false) {
  logConformance("jetstream", async (dir) => {
    const place = newPlace();
    const snapshots = await openDiskBlobs(join(dir, "snapshots"));
    const open = () => openIn(place, { snapshots, witness: join(dir, "witness") });
    return { log: await open(), reopen: open };
  });
}

test("jetstream: opening the log again fences the earlier writer", { skip }, async () => {
  const place = newPlace();
  const old = await openIn(place);
  await old.append([bytesOf("a")], 0);
  const now = await openIn(place);
  await assert.rejects(old.append([bytesOf("b")], 1), refusal("fenced"));
  await assert.rejects(old.append([], 1), refusal("fenced"));
  await assert.rejects(old.saveSnapshot(1, bytesOf("b")), refusal("fenced"));
  assert.equal(await now.append([bytesOf("c")], 1), 2);
  assert.equal((await collect(now, 0)).length, 2);
  await Promise.all([old.close(), now.close()]);
});

test("jetstream: batches above the largest message lie in blobs, and go with them", {
  skip,
}, async () => {
  const place = newPlace();
  const snapshots = openMemoryBlobs();
  const log = await openIn(place, { snapshots });
  const large = pattern(3 << 20);
  await log.append([bytesOf("a"), large], 0);
  await log.append([bytesOf("c")], 2);
  await log.close();
  const again = await openIn(place, { snapshots });
  const found = await collect(again, 0);
  assert.equal(Buffer.compare(found[1]!.bytes, large), 0);
  await again.saveSnapshot(3, bytesOf("abc"));
  await again.trim(2);
  let kept = 0;
  for await (const _ of snapshots.list()) kept += 1;
  assert.equal(kept, 1, "the snapshot alone");
  assert.equal((await collect(again, 2)).length, 1);
  await again.close();
});

test("jetstream: a follower reads what the writer appends, also after a trim", {
  skip,
}, async () => {
  const place = newPlace();
  const snapshots = openMemoryBlobs();
  const { openJetStream } = await import("./engine.ts");
  const log = await openIn(place, { snapshots });
  const engine = await openJetStream(servers.url(place.cluster), { allowSingle: true });
  const followed = await engine.followLog(snapshots);
  const read = async (after: number) => {
    const positions: number[] = [];
    for await (const { position } of followed.read(after)) positions.push(position);
    return positions;
  };
  assert.equal(await followed.last(), 0);
  for (let last = 0; last < 100; ) last = await log.append([bytesOf("x"), bytesOf("y")], last);
  assert.equal((await read(0)).length, 100);
  await log.append([bytesOf("z")], 100);
  assert.deepEqual(await read(100), [101]);
  await log.saveSnapshot(101, bytesOf("all"));
  await log.trim(101);
  assert.equal(await followed.last(), 101);
  await assert.rejects(read(5), refusal("bad-request"));
  await log.append([bytesOf("q")], 101);
  assert.deepEqual(await read(101), [102]);
  await Promise.all([log.close(), followed.close(), engine.close()]);
});

test("jetstream: one lease entry replaces exactly the one that was seen", { skip }, async () => {
  const { openJetStream } = await import("./engine.ts");
  const engine = await openJetStream(servers.url("lease"), { allowSingle: true });
  const [one, two] = [engine.lease(), engine.lease()];
  const entry = (term: number, beat: number) => ({ term, beat, holder: "h", note: "n" });
  assert.equal(await one.read(), null);
  assert.deepEqual(
    (await Promise.all([one.swap(null, entry(1, 0)), two.swap(null, entry(1, 0))])).sort(),
    [false, true],
  );
  assert.deepEqual(await two.read(), entry(1, 0));
  assert.equal(await two.swap(entry(1, 0), entry(2, 0)), true);
  assert.equal(await one.swap(entry(1, 0), entry(1, 1)), false);
  assert.deepEqual(await one.read(), entry(2, 0));
  assert.equal(await engine.keep("a.txt", "first"), "first");
  assert.equal(await engine.keep("a.txt", "second"), "first");
  assert.equal(await engine.keep("a.txt", "third", { replaces: true }), "third");
  assert.equal(await engine.kept("b.txt"), null);
  await Promise.all([one.close(), two.close(), engine.close()]);
});

test("C13: a server that is killed under an open log loses nothing of it", { skip }, async () => {
  const place = newPlace();
  const log = await openIn(place);
  await log.append([bytesOf("a")], 0);
  await servers.down(0);
  const appended = log.append([bytesOf("b")], 1);
  await servers.up(0);
  assert.equal(await appended, 2);
  assert.equal((await collect(log, 0)).length, 2);
  await log.close();
});

test("jetstream: a stream that is not as it must be is refused", { skip }, async () => {
  const place = newPlace();
  const { log, logSubject } = streamNames(place);
  const connection = new Connection(place);
  await connection.use(({ jsm }) =>
    jsm.streams.add({ name: log, subjects: [logSubject], storage: "memory" }),
  );
  await connection.close();
  await assert.rejects(openIn(place), {
    code: "bad-request",
    message: /storage is "memory", not "file".*nats stream edit/,
  });
});

test("C13: servers that do not sync each write are refused", { skip }, async () => {
  const unsafe = await NatsServers.start(1, "max_file: 1G");
  try {
    const place = jetStreamPlace(unsafe.url("c"), { allowSingle: true });
    await assert.rejects(openIn(place), { code: "bad-request", message: /sync_interval: always/ });
  } finally {
    await unsafe.remove();
  }
});

/** Changes what the server has stored while it is down. */
async function damaged(harm: (file: Buffer) => Buffer, text: RegExp): Promise<void> {
  await inPlace(async (dir) => {
    const place = newPlace();
    const over = { snapshots: openMemoryBlobs(), witness: join(dir, "witness") };
    const log = await openIn(place, over);
    for (let last = 0; last < 20; ) last = await log.append([pattern(300)], last);
    await log.close();
    await servers.down(0, "SIGTERM");
    const below = join(servers.storeOf(0), "jetstream", "$G", "streams", `${place.cluster}_log`);
    for (const name of readdirSync(join(below, "msgs"))) {
      const file = join(below, "msgs", name);
      if (name.endsWith(".blk")) writeFileSync(file, harm(readFileSync(file)));
    }
    await servers.up(0);
    const read = async () => {
      const again = await openIn(place, over);
      try {
        await collect(again, 0);
      } finally {
        await again.close();
      }
    };
    await assert.rejects(read, { code: "storage-failed", message: text });
  });
}

test("jetstream: a question that is dropped is asked again, and an error is an answer", {
  skip,
}, async (t) => {
  const connection = new Connection(newPlace(), { connectMs: waitMaxMs, answerMs: waitMaxMs });
  atEnd(t, () => connection.close());
  let asked = 0;
  const answer = await connection.look(async ({ nc }) => {
    asked += 1;
    // As while its stream has no leader.
    if (asked === 1) return new Promise<never>(() => {});
    if (asked === 2) throw new ConnectionLost("no answer");
    return nc.info?.version;
  });
  assert.equal(asked, 3);
  assert.match(answer ?? "", /^2\./);
  const refused = connection.look(({ jsm }) => jsm.streams.info("not_there"));
  await assert.rejects(refused, { code: "not-found" });
});

test("jetstream: a flipped bit in the store of a server is found", { skip }, async () => {
  await damaged((bytes) => {
    const at = Math.floor(bytes.byteLength / 2);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes;
  }, /record \d+ of .* is (missing|damaged)/);
});

test("jetstream: a store that was cut off is found", { skip }, async () => {
  const half = (bytes: Buffer) => bytes.subarray(0, Math.floor(bytes.byteLength / 2));
  await damaged(half, /record \d+ of .* is missing/);
});

test("secrets in the address, too few replicas, and what is no address are refused", () => {
  const bad = { code: "bad-request" };
  const place = (text: string) => jetStreamPlace(text, {});
  assert.throws(() => place("nats://u:secret@h/c"), { ...bad, message: /NATS_CREDS/ });
  assert.throws(() => place("nats://h/c?replicas=1"), { ...bad, message: /--allow-single/ });
  for (const text of ["nats:h", "nats:///c", "nats://h/a.b", "nats://h/c?replica=3"]) {
    assert.throws(() => place(text), bad, text);
  }
  const { monitors, name, servers: at } = place("nats://a,b:1,c");
  assert.deepEqual(at, ["a:4222", "b:1", "c:4222"]);
  assert.deepEqual(monitors, ["a:8222", "b:8222", "c:8222"]);
  assert.equal(name, "nats://a:4222,b:1,c:4222/tequio");
});

test("servers that are not there are reported", async () => {
  const place = jetStreamPlace("nats://127.0.0.1:1/none?replicas=1", { allowSingle: true });
  const times = { connectMs: 500, answerMs: 500 };
  await assert.rejects(openIn(place, { times }), {
    code: "unavailable",
    message: /check that the NATS servers run/,
  });
});

test("without the packages of NATS, the error says how to install them", async () => {
  const file = join(import.meta.dirname, "load.ts");
  const error = await errorWithout("@nats-io/transport-node", { file, load: "loadNats" });
  assert.equal(error.code, "unavailable");
  assert.match(error.text, /npm install @nats-io\/transport-node@3 @nats-io\/jetstream@3/);
});
