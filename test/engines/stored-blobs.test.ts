/** Large results of a coordinator with `--blobs s3://…` are read from the store itself, and from
 *  the coordinator where that fails. */
import assert from "node:assert/strict";
import { hash as digestOf, randomBytes } from "node:crypto";
import { after, before, type TestContext, test } from "node:test";
import { openCoordinator } from "../../src/coordinator/coordinator.ts";
import { Client } from "../../src/sdk/client.ts";
import { atEnd, temporaryDir } from "../../src/store/testing/at-end.ts";
import { type S3Server, withoutS3 } from "./s3-server.ts";
import { refuse, type S3Watch, startWatched } from "./s3-watch.ts";

const skip = withoutS3;
const started = new AsyncDisposableStack();
let server: S3Server;
let watch: S3Watch;

before(async () => {
  if (skip !== false) return;
  ({ server, watch } = await startWatched(started));
});
after(() => started.disposeAsync());

const bytes = randomBytes(3_000_000);
const hash = digestOf("sha256", bytes);

/** A client of a coordinator that has the bytes; `isInStore`: in the store, not in files. */
async function clientOf(t: TestContext, isInStore = true): Promise<Client> {
  watch.reset();
  const { adminToken, close, url } = await openCoordinator({
    dataDir: temporaryDir(t, "stored-"),
    listen: "127.0.0.1:0",
    version: "test",
    ...(isInStore && { blobs: watch.through(server.address()) }),
  });
  atEnd(t, close);
  const client = new Client({ url, token: adminToken });
  atEnd(t, async () => client.close());
  await client.putBlob({ hash, sizeBytes: bytes.length, at: { kind: "bytes", bytes } });
  watch.calls.length = 0;
  return client;
}

async function readBy(client: Client): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of client.getBlob(hash, { sizeBytes: bytes.length })) {
    chunks.push(Uint8Array.from(chunk));
  }
  return Buffer.concat(chunks);
}

/** GETs of the blob, by presigned addresses and by the coordinator itself. */
function gets(): { readonly presigned: number; readonly own: number } {
  const all = watch.calls.filter(({ method, path }) => method === "GET" && path.endsWith(hash));
  const presigned = all.filter(({ isPresigned }) => isPresigned).length;
  return { presigned, own: all.length - presigned };
}

test("N15: a large result comes from the store, not by way of the coordinator", {
  skip,
}, async (t) => {
  const client = await clientOf(t);
  assert.ok(bytes.equals(await readBy(client)));
  assert.ok(gets().presigned > 1, "in ranges");
  const heads = watch.calls.filter(({ method }) => method === "HEAD");
  assert.equal(heads.length, 1, "ranges share an address");
  assert.equal(gets().own, 0);
  assert.deepEqual(watch.wrong, []);
});

test("N15: what the store does not give comes from the coordinator", { skip }, async (t) => {
  const client = await clientOf(t);
  let given = 0;
  watch.fault = ({ isPresigned }, { headers }, response) => {
    if (!isPresigned || !/bytes=/.test(headers.range ?? "")) return false;
    given += 1;
    if (given === 1) return false;
    // A part of what was asked for, and then a cut; later ones are refused.
    if (given > 2) return refuse(response, 403, "AccessDenied");
    const [, start = "0", end = "0"] = /bytes=(\d+)-(\d+)/.exec(headers.range ?? "") ?? [];
    const part = bytes.subarray(Number(start), Number(start) + 1_000);
    const sizeBytes = Number(end) + 1 - Number(start);
    response.writeHead(206, { "content-length": String(sizeBytes) });
    response.write(part, () => response.destroy());
    return true;
  };
  assert.ok(bytes.equals(await readBy(client)));
  assert.ok(gets().own > 0);
  const { presigned } = gets();
  assert.ok(bytes.equals(await readBy(client)));
  assert.equal(gets().presigned, presigned, "the store is left alone for a while");
});

test("N15: other bytes of the store are no result", { skip }, async (t) => {
  const client = await clientOf(t);
  watch.fault = ({ isPresigned }, { headers }, response) => {
    const [, start, end] = /bytes=(\d+)-(\d+)/.exec(headers.range ?? "") ?? [];
    if (!isPresigned || start === undefined) return false;
    response.writeHead(206);
    response.end(Buffer.alloc(Number(end) + 1 - Number(start)));
    return true;
  };
  await assert.rejects(readBy(client), { code: "data-lost" });
});

test("a coordinator without a store gives large results itself", { skip }, async (t) => {
  const client = await clientOf(t, false);
  assert.ok(bytes.equals(await readBy(client)));
  assert.deepEqual(watch.calls, []);
});
