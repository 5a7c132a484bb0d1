/** A refusal of the engine names what job code may do instead. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { jobFrames, messageOf, placeOf } from "./thrown.ts";

const access = (flag: string) =>
  `Access to this API has been restricted. Use --allow-${flag} to manage permissions.`;

function failed(message: string, more: object): Error {
  return Object.assign(new Error(message), more);
}

test("no message of what job code may not do names a flag of the engine", () => {
  const code = "ERR_ACCESS_DENIED";
  const told: ReadonlyArray<readonly [Error, RegExp]> = [
    [failed(access("fs-read"), { code, permission: "FileSystemRead" }), /read files; .* inputs/],
    [failed(access("fs-write"), { code, permission: "FileSystemWrite" }), /write files.*; return/],
    [failed(access("child-process"), { code, permission: "ChildProcess" }), /start processes; /],
    [failed(access("worker"), { code, permission: "WorkerThreads" }), /one thread; make more/],
    [failed(access("new"), { code, permission: "Novelty" }), /^job code may not use Novelty$/],
  ];
  for (const [error, text] of told) {
    assert.match(messageOf(error), text);
    assert.doesNotMatch(messageOf(error), /--allow/);
  }
});

test("a module that was not bundled is named, without the paths of the worker", async () => {
  const names = ["./no-such.js", "no-such-package", "@no/such"];
  const expected = ['"./no-such.js" is not', '"no-such-package" is not', '"@no/such" is not'];
  for (const [at, name] of names.entries()) {
    const error = await import(name).catch((thrown: unknown) => thrown);
    assert.ok(messageOf(error as Error).startsWith(expected[at] as string), String(error));
  }
  const far = await import(`${"https"}://127.0.0.1/x.js`).catch((thrown: unknown) => thrown);
  assert.match(messageOf(far as Error), /no network to import from/);
  const inTab = new TypeError("Failed to resolve module specifier 'node:fs'");
  assert.match(messageOf(inTab), /^"node:fs" is not part of the job/);
  assert.equal(messageOf(new Error("Cannot find module 'x'")), "Cannot find module 'x'");
  const absent = new ReferenceError("process is not defined");
  assert.match(messageOf(absent), /^process is not defined: job code has no process on any engine/);
});

test("the place is the first frame that is neither the engine's nor of this product", () => {
  const error = new Error("no");
  const own = new URL("./elsewhere.ts", import.meta.url).pathname;
  error.stack = `Error: no
    at node:internal/x:1:2
    at own (file://${own}:3:4)
    at Array.map (<anonymous>)
    at run (file:///srv/jobs/words.ts:17:5)
    at file:///srv/jobs/main.ts:2:1`;
  assert.equal(placeOf(error), "words.ts:17");
  const frames = ["at run (/srv/jobs/words.ts:17:5)", "at /srv/jobs/main.ts:2:1"];
  assert.deepEqual(jobFrames(error), frames);
  error.stack = "Error: no\n    at run (job.mjs:40:9)";
  assert.equal(placeOf(error), "job.mjs:40:9", "of a bundle in a tab: the source map needs it");
  error.stack = "Error: no\n    at job.mjs:40:9";
  assert.equal(placeOf(error), "job.mjs:40:9");
  assert.equal(placeOf("text"), "");
  Object.defineProperty(error, "stack", { get: () => assert.fail("looked at") });
  assert.equal(placeOf(error), "");
});
