/** What a worker brings from the coordinator and to it: whole, verified, and never through a
 *  link. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pattern } from "../../conformance/bytes.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { waitMaxMs } from "../../store/testing/patience.ts";
import { CoordinatorBlobs } from "./blobs.ts";
import { openOutput } from "./open-output.ts";
import { storeVerified } from "./store-file.ts";

const { signal } = new AbortController();
const content = Buffer.from("0123456789".repeat(10_000));

function scratch(t: TestContext): string {
  const dir = temporaryDir(t, "blobs-");
  return dir;
}

async function coordinator(t: TestContext, answer: RequestListener): Promise<CoordinatorBlobs> {
  const server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const limits = { limitMs: waitMaxMs, idleMs: waitMaxMs };
  const { signal: moved } = new AbortController();
  const coordinator = { url, fingerprint: "", credential: () => "", moved };
  return new CoordinatorBlobs({ coordinator, ...limits });
}

async function inputOf(blobs: CoordinatorBlobs, start: number, end: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of blobs.input("j-1", 0, { start, end }, signal)) {
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

test("a stream that the coordinator cuts off is resumed, or is data-lost", async (t) => {
  const asked: string[] = [];
  const blobs = await coordinator(t, (request, response) => {
    const [, from = 0, to = 0] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
    asked.push(`${from}-${to}`);
    const bytes = content.subarray(Number(from), Number(to) + 1);
    response.writeHead(206, { "content-length": bytes.length });
    if (asked.length > 1) return response.end(bytes);
    response.write(bytes.subarray(0, 30_000), () => response.destroy());
  });
  const got = await inputOf(blobs, 7, 90_000);
  assert.ok(got.equals(content.subarray(7, 90_000)), `${got.length} bytes, asked for ${asked}`);
  const short = await coordinator(t, (_, response) => response.end());
  await assert.rejects(inputOf(short, 0, 10), /data-lost: input 0 is shorter than the plan says/);
});

test("a large input comes over several connections at once, in order, over cuts", async (t) => {
  const large = Buffer.from(pattern(5 << 20));
  const first: Array<() => void> = [];
  let calls = 0;
  const blobs = await coordinator(t, (request, response) => {
    const [, from = 0, to = 0] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
    const bytes = large.subarray(Number(from), Number(to) + 1);
    const isCut = ++calls % 5 === 0;
    const answer = () => {
      response.writeHead(206, { "content-length": bytes.length });
      if (isCut) response.write(bytes.subarray(0, 30_000), () => response.destroy());
      else response.end(bytes);
    };
    // None of the first four is answered before all of them are there.
    if (calls > 4) return answer();
    first.push(answer);
    if (calls === 4) for (const one of first) one();
  });
  const got = await inputOf(blobs, 7, large.length - 7);
  assert.ok(got.equals(large.subarray(7, large.length - 7)));
});

test("F6: a task's output is no link, and nothing that is no file", async (t) => {
  const dir = scratch(t);
  const path = join(dir, "0.1.part");
  writeFileSync(path, content);
  await (await openOutput(path)).close();
  symlinkSync(path, join(dir, "link"));
  await assert.rejects(openOutput(join(dir, "link")), { code: "ELOOP" });
  await assert.rejects(openOutput(dir), /task-crashed: the task left something that is no file/);
});

test("F1: a download with another SHA-256 than its name leaves nothing", async (t) => {
  const dir = scratch(t);
  const path = join(dir, "blob");
  const hash = createHash("sha256").update(content).digest("hex");
  async function* chunks(bytes: Buffer) {
    for (let at = 0; at < bytes.length; at += 30_000) yield bytes.subarray(at, at + 30_000);
  }
  const flipped = Buffer.from(content);
  flipped[50_000]! ^= 1;
  for (const bytes of [flipped, content.subarray(1), Buffer.alloc(0)]) {
    await assert.rejects(storeVerified(chunks(bytes), path, hash), { code: "download-failed" });
    assert.deepEqual(readdirSync(dir), []);
  }
  await storeVerified(chunks(content), path, hash);
  assert.ok(readFileSync(path).equals(content));
});
