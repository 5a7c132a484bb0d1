/** The network of job code, and that of what runs beside it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { evenGlobals } from "../globals.ts";
import { isListedUndici } from "../members.ts";

test("fetch and WebSocket of job code are refused, say why, and reach no server", async (t) => {
  let hits = 0;
  const server = createServer((_request, response) => {
    hits += 1;
    response.end("reached");
  });
  const end = { connection: "close" };
  await new Promise<void>((listens) => server.listen(0, "127.0.0.1", listens));
  t.after(() => server.close());
  const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  const restore = evenGlobals();
  const said: unknown[] = [];
  try {
    await fetch(`http://${at}/`).catch((error: unknown) => said.push(error));
    try {
      new WebSocket(`ws://${at}/`);
    } catch (error) {
      said.push(error);
    }
    said.push(typeof WebSocket, WebSocket.OPEN, fetch.name);
  } finally {
    restore();
  }
  assert.match(String(said[0]), /^TypeError: fetch: job code has no network on any engine: give/);
  assert.match(String(said[1]), /^TypeError: WebSocket: job code has no network/);
  assert.deepEqual(said.slice(2), ["function", 1, "fetch"]);
  assert.equal(hits, 0);

  const answer = await fetch(`http://${at}/`, { headers: end });
  assert.equal(await answer.text(), "reached", "restored afterwards");
});

test("a realm of job code alone starts without Node's fetch, with all members of WebSocket", () => {
  // In a process of its own: this one has read all of it.
  const code = `
    import process from "node:process";
    import { installEnvironment } from ${JSON.stringify(import.meta.resolve("../install.ts"))};
    const descriptors = (of) => {
      const all = Object.entries(Object.getOwnPropertyDescriptors(of));
      const texts = all.map(([name, { value, get, set, ...flags }]) =>
        [name, typeof value, typeof value === "number" ? value : value?.length,
          typeof get, typeof set, flags]);
      return JSON.stringify(texts.sort());
    };
    const write = process.stdout.write.bind(process.stdout);
    const isGiven = process.argv.includes("own");
    if (!isGiven) installEnvironment();
    const isRead = process.moduleLoadList.some((name) => name.endsWith("/deps/undici/undici"));
    const { prototype } = WebSocket;
    const tag = prototype[Symbol.toStringTag];
    const parent = Object.getPrototypeOf(WebSocket) === EventTarget;
    const text = [descriptors(WebSocket), descriptors(prototype), tag, parent].join("\\n");
    write(JSON.stringify({ isRead, text }));`;
  const look = (...args: string[]) => {
    const all = ["--input-type=module", "-e", code, ...args];
    const { status, stderr, stdout } = spawnSync(process.execPath, all, { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout) as { readonly isRead: boolean; readonly text: string };
  };
  const ofJobs = look();
  // A newer one is looked at, for members that must go.
  assert.equal(ofJobs.isRead, !isListedUndici(process.versions.undici ?? ""));
  assert.equal(ofJobs.text, look("own").text);
});
