/** docs/protocols/p4.openapi.json is the document that the master serves, and agrees with its
 *  behaviour. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { p4Opened } from "../../members/testing/p4-client.ts";
import { p4Routes } from "./calls.ts";
import { openApiText } from "./openapi.ts";

const file = new URL("../../../../docs/protocols/p4.openapi.json", import.meta.url);
/** `RECORD=1 node --test <this file>` writes it again. */
if (process.env.RECORD === "1") writeFileSync(file, openApiText());

test("the document in docs is the one that is made from the schemas", () => {
  assert.equal(readFileSync(file, "utf8"), openApiText());
});

test("the page's table of calls is the table of calls", () => {
  const page = readFileSync(new URL("p4.md", file), "utf8");
  const [, table = ""] = /<!-- control -->\n(.*?)<!-- end -->/s.exec(page) ?? [];
  const rows = p4Routes.map(
    ({ methods, path, summary }) => `| \`${methods.join(", ")} ${path}\` | ${summary}`,
  );
  const shown = table.trim().split("\n").slice(2);
  assert.deepEqual(
    shown.map((row) => row.split(" | ").slice(0, 2).join(" | ")),
    rows,
  );
});

test("both ports serve the document, which names every call", async (t) => {
  const { main, own } = await p4Opened(t);
  for (const client of [own, main]) {
    const { json, status } = await client.ask("GET", "/openapi.json");
    assert.equal(status, 200);
    assert.deepEqual(json, JSON.parse(openApiText()));
    const calls = Object.entries(json.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const wanted = p4Routes.flatMap(({ methods, path }) => methods.map((one) => `${one} ${path}`));
    assert.deepEqual(calls, wanted);
  }
});
