/** Python for tabs over HTTP: what a tab fetches, and what there is without the package. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { temporaryDir } from "../store/testing/at-end.ts";
import { testMaxMs } from "../store/testing/patience.ts";
import { polled } from "../store/testing/polled.ts";
import { type PythonIndex, pythonIndexPath } from "../wire/browser/python-index.ts";
import { openTabPython, pyodideFolder } from "./tab-python.ts";

const folder = pyodideFolder();

async function served(
  t: TestContext,
  from: string | null,
  cache: string | null = null,
): Promise<string> {
  const python = openTabPython(cache, from);
  const server = createServer((request, response) => {
    if (!python.handle(request, response)) response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("the index names files that never change, with the modules that run tasks", {
  skip: folder === null ? "the package pyodide is not installed" : false,
}, async (t) => {
  const origin = await served(t, folder);
  const index = (await (await fetch(origin + pythonIndexPath)).json()) as PythonIndex;
  assert.match(index.version, /^3\.\d+\.\d+$/);
  const own = await fetch(origin + index.files.own);
  assert.match(own.headers.get("cache-control") ?? "", /immutable/);
  const modules = Object.keys((await own.json()) as object);
  assert.ok(modules.includes("tequio/_tab/process.py"));
  assert.ok(!modules.some((path) => path.startsWith("tequio/_client/")));
  const loader = await fetch(origin + index.files.loader);
  assert.equal(loader.headers.get("content-encoding"), "gzip");
  assert.match(await loader.text(), /loadPyodide/);
  assert.equal((await fetch(`${origin}/python/0/../../package.json`)).status, 404);
});

/** The status, and the bytes: unzipped by `fetch`. */
async function snapshotOf(origin: string): Promise<readonly [number, Buffer]> {
  const index = (await (await fetch(origin + pythonIndexPath)).json()) as PythonIndex;
  const answer = await fetch(origin + index.snapshot);
  return [answer.status, Buffer.from(await answer.arrayBuffer())];
}

/** Like the package, without what is large. */
function emptyPackage(t: TestContext): string {
  const place = temporaryDir(t, "python-");
  writeFileSync(join(place, "package.json"), '{"version":"314.0.0"}');
  writeFileSync(join(place, "pyodide-lock.json"), '{"info":{"python":"3.14.2"}}');
  return place;
}

test("a snapshot that is kept is given while its digest holds", async (t) => {
  const [cache, empty] = [temporaryDir(t, "cache-"), emptyPackage(t)];
  const index = await (await fetch((await served(t, empty)) + pythonIndexPath)).json();
  const [, digest] = /^\/python\/([0-9a-f]{16})\/snapshot$/.exec((index as PythonIndex).snapshot!)!;
  const file = join(cache, `${digest}.gz`);
  const body = gzipSync("memory");
  const sum = createHash("sha256").update(body).digest();
  writeFileSync(file, Buffer.concat([sum, body]));
  const given = await snapshotOf(await served(t, empty, cache));
  assert.deepEqual([given[0], given[1].toString()], [200, "memory"]);
  for (const bad of [Buffer.concat([sum, gzipSync("memorz")]), sum, Buffer.alloc(0)]) {
    writeFileSync(file, bad);
    // This package cannot make another one.
    assert.equal((await snapshotOf(await served(t, empty, cache)))[0], 503);
  }
});

test("a snapshot is made once, and kept", {
  skip: folder === null ? "the package pyodide is not installed" : false,
  timeout: testMaxMs,
}, async (t) => {
  const cache = temporaryDir(t, "cache-");
  const origin = await served(t, folder, cache);
  // A busy machine may take longer than a request waits.
  const [status, bytes] = await polled(
    () => snapshotOf(origin),
    ([code]) => code !== 503,
  );
  assert.equal(status, 200);
  assert.equal(bytes.subarray(0, 4).toString("latin1"), "\0snp");
  const [name = "", ...more] = readdirSync(cache);
  assert.deepEqual(more, []);
  const kept = readFileSync(join(cache, name));
  const [sum, body] = [kept.subarray(0, 32), kept.subarray(32)];
  assert.deepEqual(createHash("sha256").update(body).digest(), sum);
  assert.ok(gunzipSync(body).equals(bytes));
});

test("without the package there is nothing", async (t) => {
  assert.equal((await fetch((await served(t, null)) + pythonIndexPath)).status, 404);
});
