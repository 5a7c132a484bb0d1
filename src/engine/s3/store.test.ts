/** Blobs in S3: the conformance tests of all blob stores, on a real server, and what only such a
 *  server can do to them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { blobConformance } from "../../../test/conformance/register.ts";
import { credentials, S3Server, withoutS3 } from "../../../test/engines/s3-server.ts";
import { access, startStore } from "../../../test/tables/s3-server.ts";
import { bytesIn, pattern, refusal, same, sha256 } from "../../conformance/bytes.ts";
import type { ClusterError } from "../../core/error.ts";
import type { Blobs } from "../../store/blob/blob.ts";
import { pieceBytes } from "../../store/blob/pieces.ts";
import { atEnd, temporaryDir } from "../../store/testing/at-end.ts";
import { waitMaxMs } from "../../store/testing/patience.ts";
import { type S3Place, s3Credentials, s3Place } from "./place.ts";
import { openS3Blobs, type S3BlobsOptions } from "./store.ts";

const skip = withoutS3;
let server: S3Server;

before(async () => {
  if (skip === false) server = await S3Server.start();
});
after(async () => {
  if (skip === false) await server.remove();
});

function openAt(place: S3Place, dir: string, over: Partial<S3BlobsOptions> = {}): Promise<Blobs> {
  const times = { idleMs: waitMaxMs, patienceMs: 0 };
  return openS3Blobs(place, { spoolDir: join(dir, "parts"), credentials, times, ...over });
}

if (skip === false) {
  blobConformance("s3", async (dir) => {
    const place = server.place();
    const open = () => openAt(place, dir);
    return { blobs: await open(), reopen: open };
  });
}

test("s3: a changed byte is found, in the whole and in a range", { skip }, async (t) => {
  const place = server.place();
  const dir = temporaryDir(t);
  const blobs = await openAt(place, dir);
  const bytes = pattern(3 * pieceBytes + 5);
  const { hash } = await blobs.put([bytes]);
  const file = server.fileOf(place, hash);
  const stored = readFileSync(file);
  stored[pieceBytes + 7] = (stored[pieceBytes + 7] ?? 0) ^ 1;
  writeFileSync(file, stored);
  const first = { start: 0, end: pieceBytes };
  assert.ok(same(await bytesIn(blobs.read(hash, first)), bytes.subarray(0, pieceBytes)));
  const second = { start: pieceBytes + 1, end: pieceBytes + 2 };
  await assert.rejects(bytesIn(blobs.read(hash, second)), refusal("data-lost"));
  await assert.rejects(bytesIn(blobs.read(hash)), refusal("data-lost"));
  await assert.rejects(blobs.size(hash), refusal("data-lost"));
  await blobs.put([bytes]);
  assert.ok(same(await bytesIn(blobs.read(hash)), bytes));
  await blobs.close();
});

test("s3: a range of a blob whose piece hashes are gone is verified all the same", {
  skip,
}, async (t) => {
  const place = server.place();
  const dir = temporaryDir(t);
  const blobs = await openAt(place, dir);
  const bytes = pattern(2 * pieceBytes);
  const { hash } = await blobs.put([bytes]);
  await blobs.close();
  writeFileSync(server.fileOf(place, `pieces/${hash}`), "damaged");
  const again = await openAt(place, dir);
  const range = { start: pieceBytes, end: pieceBytes + 3 };
  assert.ok(same(await bytesIn(again.read(hash, range)), bytes.subarray(pieceBytes, range.end)));
  assert.ok(((await again.storedAtMs?.(hash)) ?? 0) > 0);
  await again.close();
});

test("s3: a large blob goes in parts", { skip }, async (t) => {
  const dir = temporaryDir(t);
  const blobs = await openAt(server.place(), dir, { partBytes: 5 << 20 });
  const bytes = pattern(12 << 20);
  const { hash } = await blobs.put([bytes]);
  assert.equal(hash, sha256(bytes));
  assert.ok(same(await bytesIn(blobs.read(hash)), bytes));
  await blobs.close();
});

test("s3: a wrong secret is refused", async (t) => {
  // One that checks signatures: s3rver 3.7.1 does not.
  const store = await startStore();
  atEnd(t, () => store.close());
  const place = s3Place(`s3://tests/p?endpoint=${store.url}`, access);
  const refusalWith = (secretAccessKey: string) => {
    const given = { accessKeyId: access.AWS_ACCESS_KEY_ID, secretAccessKey };
    return openAt(place, temporaryDir(t), { credentials: given }).then(
      () => null,
      (error: Error) => error,
    );
  };
  const refused = await refusalWith("wrong");
  assert.equal((refused as ClusterError).code, "forbidden");
  assert.match(refused!.message, /SignatureDoesNotMatch/);
  // This one takes no PUT, but it accepts who asks.
  const accepted = await refusalWith(access.AWS_SECRET_ACCESS_KEY);
  assert.doesNotMatch(`${accepted?.message}`, /Signature|AccessKey|Authorization/);
});

type Answer = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A server before the real one, which answers some calls itself. */
async function between(t: TestContext, answer: Answer): Promise<S3Place> {
  const proxy = createServer((asked, response) => {
    if (answer(asked, response)) return;
    const { headers, method, url } = asked;
    const onward = request(server.endpoint + url, { method, headers }, (got) => {
      response.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(response);
    });
    onward.on("error", () => response.destroy());
    asked.pipe(onward);
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  atEnd(t, () => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const { port } = proxy.address() as { port: number };
  const place = server.place();
  return { ...place, base: place.base.replace(server.endpoint, `http://127.0.0.1:${port}`) };
}

function swallow(asked: IncomingMessage, response: ServerResponse): void {
  asked.resume().on("end", () => response.writeHead(200, { etag: '"x"' }).end());
}

test("s3: a server that loses what it acknowledged is refused at the start", {
  skip,
}, async (t) => {
  const place = await between(t, (asked, response) => {
    if (asked.method !== "PUT") return false;
    swallow(asked, response);
    return true;
  });
  await assert.rejects(openAt(place, temporaryDir(t)), {
    code: "bad-request",
    message: /lost an object that it had acknowledged/,
  });
});

test("s3: a server that reports a wrong checksum is refused at the start", {
  skip,
}, async (t) => {
  const place = await between(t, (asked, response) => {
    if (asked.method !== "PUT") return false;
    response.setHeader("x-amz-checksum-sha256", Buffer.alloc(32).toString("base64"));
    swallow(asked, response);
    return true;
  });
  await assert.rejects(openAt(place, temporaryDir(t)), {
    code: "bad-request",
    message: /reported a wrong checksum/,
  });
});

test("s3: calls are tried again while the server is overloaded", { skip }, async (t) => {
  let refused = 0;
  const place = await between(t, (asked, response) => {
    if (refused >= 3) return false;
    refused += 1;
    asked.resume();
    response.writeHead(503).end("<Error><Code>SlowDown</Code></Error>");
    return true;
  });
  const times = { idleMs: waitMaxMs, patienceMs: waitMaxMs };
  const blobs = await openAt(place, temporaryDir(t), { times });
  assert.equal(refused, 3);
  await blobs.close();
});

test("secrets in the address, and what is no place, are refused", () => {
  const bad = { code: "bad-request" };
  const place = (text: string) => s3Place(text, {});
  assert.throws(() => place("s3://id:secret@bucket/p"), { ...bad, message: /AWS_ACCESS_KEY_ID/ });
  for (const text of ["s3:bucket", "s3://B", "s3://bucket/../x", "s3://bucket?end=x"]) {
    assert.throws(() => place(text), bad, text);
  }
  assert.throws(() => place("s3://bucket?endpoint=ftp://h"), bad);
  const given = place("s3://bucket/a/b?endpoint=http://h:9000&region=eu");
  assert.deepEqual(given, {
    base: "http://h:9000/bucket/",
    bucket: "bucket",
    prefix: "a/b/",
    region: "eu",
    name: "s3://bucket/a/b/ at h:9000",
  });
  assert.equal(place("s3://bucket").base, "https://bucket.s3.us-east-1.amazonaws.com/");
  assert.throws(() => s3Credentials({}), { code: "unauthenticated" });
});
