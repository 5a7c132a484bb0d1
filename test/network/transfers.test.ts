/** Inputs on their way to the coordinator, and results on their way back, over lines that are
 *  cut. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { bytesIn, pattern, same, sha256 } from "../../src/conformance/bytes.ts";
import { opened } from "../../src/coordinator/testing/opened.ts";
import { Client } from "../../src/sdk/client.ts";
import type { Upload } from "../../src/sdk/plan/upload.ts";
import { atEnd, temporaryDir } from "../../src/store/testing/at-end.ts";
import { testMaxMs, waitMaxMs } from "../../src/store/testing/patience.ts";
import { Place } from "../fixtures/place.ts";
import { fairWeather, TcpProxy } from "./proxy.ts";

const job = `import { mapReduce, text } from "tequio";
export default mapReduce({
  input: text.lines(),
  map: (line, emit) => emit(line.length, 1),
});
`;

const mib = 1 << 20;
const bytes = pattern(6 * mib + 12_345);
const hash = sha256(bytes);

/** A coordinator behind a proxy, and clients of it. */
async function behindProxy(t: TestContext) {
  const cluster = await opened(t);
  const proxy = await TcpProxy.open(cluster.url);
  atEnd(t, () => proxy.close());
  const { token } = await cluster.token("submitter", "ann");
  const client = (answerMs = waitMaxMs) => {
    const made = new Client({ url: proxy.url, token, answerMs });
    atEnd(t, () => made.close());
    return made;
  };
  const path = join(temporaryDir(t, "input-"), "input");
  writeFileSync(path, bytes);
  const upload: Upload = { hash, sizeBytes: bytes.length, at: { kind: "path", path } };
  const stored = async () => {
    const answer = await cluster.call("GET", `/v1/blobs/${hash}`);
    return same(new Uint8Array(await answer.arrayBuffer()), bytes);
  };
  return { cluster, proxy, client, upload, stored };
}

test("N7: an upload over a line that is cut again and again sends little twice", async (t) => {
  const { proxy, client, upload, stored } = await behindProxy(t);
  proxy.weather = { ...fairWeather, cutEveryBytes: 0.7 * mib };
  let doneBytes = 0;
  await client().putBlob(upload, { onBytes: (count) => (doneBytes += count) });
  assert.ok(await stored());
  assert.equal(doneBytes, bytes.length);
  assert.ok(proxy.counts.cuts >= 3, `${proxy.counts.cuts} cuts`);
  assert.ok(proxy.counts.upBytes < 2 * bytes.length, `${proxy.counts.upBytes} bytes`);
});

test("N7: an upload that was stopped goes on, also after a restart of the client", async (t) => {
  const { cluster, proxy, client, upload, stored } = await behindProxy(t);
  const stop = new AbortController();
  let doneBytes = 0;
  const onBytes = (count: number) => {
    doneBytes += count;
    if (doneBytes > 3 * mib) stop.abort(new Error("Ctrl-C"));
  };
  await assert.rejects(client().putBlob(upload, { onBytes, signal: stop.signal }), /Ctrl-C/);
  const sentBefore = proxy.counts.upBytes;
  const first: number[] = [];
  await client().putBlob(upload, { onBytes: (count) => first.push(count) });
  assert.ok(first[0]! >= 3 * mib, `${first[0]} bytes were kept`);
  assert.ok(proxy.counts.upBytes - sentBefore < bytes.length - 2 * mib);
  assert.ok(await stored());
  // What is there is not sent at all, also for another user.
  const { token } = await cluster.token("submitter", "bob");
  const other = new Client({ url: proxy.url, token });
  atEnd(t, () => other.close());
  const before = proxy.counts.upBytes;
  await other.putBlob(upload);
  assert.ok(proxy.counts.upBytes - before < 2_000);
});

test("N7: a line that falls silent is left for a new connection when it is back", async (t) => {
  const { proxy, client, upload, stored } = await behindProxy(t);
  const away: boolean[] = [];
  let isSilent = false;
  const onBytes = () => {
    if (isSilent) return;
    isSilent = true;
    proxy.weather = { ...fairWeather, silent: new Set(["up", "down"]) };
  };
  const onAway = (isAway: boolean) => {
    away.push(isAway);
    proxy.weather = fairWeather;
  };
  await client(1_000).putBlob(upload, { onBytes, onAway });
  assert.ok(await stored());
  assert.deepEqual([away[0], away.at(-1)], [true, false]);
  // One that stays away is given up in the end.
  proxy.weather = { ...fairWeather, silent: new Set(["up"]) };
  const again = client(300).putBlob(
    { ...upload, hash: sha256(bytes.subarray(1)) },
    { patienceMs: 1 },
  );
  await assert.rejects(again, { code: "unavailable" });
});

test("N7: a result over a line that is cut again and again comes whole", async (t) => {
  const { cluster, proxy, client } = await behindProxy(t);
  await cluster.upload(bytes);
  proxy.weather = { ...fairWeather, cutEveryBytes: 1.4 * mib };
  for (const sizeBytes of [bytes.length, 0]) {
    const before = proxy.counts.downBytes;
    const got = await bytesIn(client().getBlob(hash, { sizeBytes }));
    assert.ok(same(got, bytes));
    const carried = proxy.counts.downBytes - before;
    // Of one stream a reset loses what lies in the buffers on the way, too.
    if (sizeBytes > 0) assert.ok(carried < 2 * bytes.length, `${carried} bytes`);
  }
  assert.ok(proxy.counts.cuts >= 6, `${proxy.counts.cuts} cuts`);
});

test("N7: many small files are asked for together, and sent together", async (t) => {
  const { cluster, client, proxy } = await behindProxy(t);
  const dir = temporaryDir(t, "small-");
  const uploads = Array.from({ length: 100 }, (_, index): Upload => {
    const content = pattern(1_000, index + 1);
    const path = join(dir, String(index));
    writeFileSync(path, content);
    return { hash: sha256(content), sizeBytes: content.length, at: { kind: "path", path } };
  });
  await cluster.upload(pattern(1_000, 1));
  let doneBytes = 0;
  const { connections } = proxy.counts;
  await client().putBlobs(uploads, { onBytes: (count) => (doneBytes += count) });
  assert.ok(proxy.counts.connections - connections <= 8);
  assert.equal(doneBytes, 100_000);
  for (const { hash: name } of uploads) {
    assert.equal((await cluster.call("HEAD", `/v1/blobs/${name}`)).status, 200);
  }
});

test("N7: `run` shows how its input travels, and Ctrl-C leaves what has arrived", {
  timeout: testMaxMs,
}, async (t) => {
  const { cluster, proxy } = await behindProxy(t);
  const place = new Place(t, { "job.ts": job });
  const { token } = await cluster.token("submitter", "ann");
  writeFileSync(join(place.dir, "token"), token, { mode: 0o600 });
  writeFileSync(join(place.dir, "input.txt"), bytes);
  const target = ["--url", proxy.url, "--token-file", "token"];
  const run = ["run", "job.ts", "input.txt", "--detach", ...target];
  proxy.weather = { ...fairWeather, bytesPerMs: 200 };
  const stopped = place.start(...run);
  const line = await stopped.said("ETA");
  assert.match(line, /^sending {2}\d+ % of 6\.30 MB {2}\d+\.\d MB\/s {2}ETA /m);
  stopped.child.kill("SIGINT");
  const { code, err } = await stopped.ended;
  assert.equal(code, 130, err);
  assert.match(
    err,
    /nothing was submitted; the coordinator keeps the \S+ [kM]B that it has for a day/,
  );
  proxy.weather = fairWeather;
  const before = proxy.counts.upBytes;
  const again = await place.run(...run);
  assert.equal(again.code, 0, again.err);
  assert.match(again.out, /^j-\d+\n$/);
  assert.ok(proxy.counts.upBytes - before < bytes.length);
});
