/** The tables of P4 against its documents: methods and proofs of calls, and what calls between
 *  peers need and answer. That masters refuse as the table has it is checked by each call of
 *  `P4Client`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { control, data, isLegalRefusal } from "./legality.ts";
import { refusalWords } from "./refusals.ts";

const page = readFileSync(new URL("../../../docs/protocols/p4.md", import.meta.url), "utf8");
const proto = readFileSync(new URL("p4.proto", import.meta.url), "utf8");

function rowsOf(name: string): string[][] {
  const [, table = assert.fail(name)] =
    new RegExp(`<!-- ${name} -->\\n(.*?)<!-- end -->`, "s").exec(page) ?? [];
  const rows = table.trim().split("\n").slice(2);
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test("the page has the calls to the master in order, and what shows who calls", () => {
  const words = { join: "`genericToken`", peer: "`token`", reader: "`token` or bearer" } as const;
  const known = Object.entries(control).map(([path, { methods, shown }]) => [
    `\`${methods.join(", ")} ${path}\``,
    words[shown],
  ]);
  const rows = rowsOf("control").map(([call, , shown]) => [call, shown]);
  assert.deepEqual(rows.toSorted(), known.toSorted());
});

test("the page has the calls between peers, and what they need", () => {
  const known = Object.entries(data).map(([path, { needs }]) => [`\`${path}\``, needs]);
  const rows = [...rowsOf("files"), ...rowsOf("shuffle")].map(([call, , needs]) => [call, needs]);
  assert.deepEqual(rows, known);
});

test("p4.proto has the same calls, and streams where the table has them", () => {
  const found = [...proto.matchAll(/service (\w+) \{(.*?)\n\}/gs)].flatMap(([, service, calls]) =>
    [...calls!.matchAll(/rpc (\w+) \(\w+\) returns \((stream )?/g)].map(([, call, stream]) => [
      `/${service}/${call}`,
      stream === undefined ? "one message" : "a stream",
    ]),
  );
  assert.deepEqual(
    found.toSorted(),
    Object.entries(data)
      .map(([path, { answers }]) => [path, answers])
      .toSorted(),
  );
});

test("a refusal of another call, or with other words, is not legal", () => {
  assert.ok(isLegalRefusal("/get_file", 401, refusalWords.peerUnknown));
  assert.ok(!isLegalRefusal("/unregister", 401, refusalWords.peerUnknown));
  assert.ok(!isLegalRefusal("/get_file", 404, refusalWords.peerUnknown));
  assert.ok(!isLegalRefusal("/heartbeat", 404, "File not found"));
  assert.ok(!isLegalRefusal("/redeem", 500, "A bug of the master; see its output"));
  assert.ok(isLegalRefusal("/none", 404, "Not found"));
});
