/** Python for tabs over HTTP: what a tab fetches, and what there is without the package. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { type PythonIndex, pythonIndexPath } from "../wire/browser/python-index.ts";
import { openTabPython, pyodideFolder } from "./tab-python.ts";

const folder = pyodideFolder();

async function served(t: TestContext, from: string | null): Promise<string> {
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

test("without the package there is nothing", async (t) => {
  assert.equal((await fetch((await served(t, null)) + pythonIndexPath)).status, 404);
});
