/** The table of the console protocol against its document: strings, result bytes, states. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { barredBy, operations, resultByte, rules } from "./legality.ts";

const text = readFileSync(new URL("../../../docs/protocols/console.md", import.meta.url), "utf8");
const asked = operations.filter((operation) => rules[operation].of === "server");

/** As the document writes results. */
const words: Readonly<Record<string, string>> = {
  "name-in-use": "name in use",
  "no-user": "no such user",
  "connected-already": "connected already",
  "not-connected": "not connected",
  "published-already": "published already",
  "not-published": "not published",
  "no-remote-user": "no such remote user",
  other: "other",
};

function rowsBelow(heading: string): string[][] {
  const [, table = assert.fail(heading)] = text.split(heading);
  return [...table.split("\n\n")[0]!.matchAll(/^\| (`.*) \|$/gm)].map(([, row]) =>
    row!.split("|").map((cell) => cell.trim()),
  );
}

test("the document has the operations of the table, with strings and result bytes in order", () => {
  const shown = rowsBelow("| operation | strings | byte | after 0 |").map((cells) =>
    cells.slice(0, 3),
  );
  const known = asked.map((operation) => {
    const { outcomes, strings } = rules[operation];
    const bytes = outcomes.map((outcome, byte) => (byte === 0 ? "0" : `${byte} ${words[outcome]}`));
    const named = strings.map((one) => (one === "remote" ? "remote user" : one));
    return [`\`${operation}\``, named.join(", "), bytes.join(", ")];
  });
  assert.deepEqual(shown, known);
});

test("the document has the states of a user in which an operation is performed", () => {
  const shown = rowsBelow("| operation | absent | registered | connected |");
  const known = operations
    .filter((operation) => Object.keys(rules[operation].barred).length > 0)
    .map((operation) => {
      const cells = (["absent", "registered", "connected"] as const).map((state) => {
        const barred = barredBy(operation, state);
        return barred === null ? "performed" : words[barred];
      });
      return [operation, ...cells];
    });
  const spread = shown.flatMap(([listed, ...cells]) =>
    [...listed!.matchAll(/`(\w+)`/g)].map(([, operation]) => [operation, ...cells]),
  );
  assert.deepEqual(spread.toSorted(), known.toSorted());
});

test("a result that bars an operation is one of its bytes", () => {
  for (const operation of operations) {
    for (const outcome of Object.values(rules[operation].barred)) {
      assert.ok(resultByte(operation, outcome) < rules[operation].outcomes.length - 1, operation);
    }
  }
});
