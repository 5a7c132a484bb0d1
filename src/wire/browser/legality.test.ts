/** The table of the browser protocol: every action, way and state, and the document about them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isLegal, mustBeLegal, rules, type Way } from "./legality.ts";
import type { BrowserAction, Party } from "./messages.ts";

const actions = Object.keys(rules) as BrowserAction[];
const ways = ["browser>gateway", "gateway>browser", "tracker>gateway", "gateway>tracker"] as const;

/** As it was written down for each way before there was the table. */
const legal: Readonly<Record<Way, string>> = {
  "browser>gateway": "connect disconnect error finish ping pong",
  "gateway>browser": "abort ack connect error ping pong task tracker welcome",
  "tracker>gateway": "abort ack ping pong task tracker welcome",
  "gateway>tracker": "connect disconnect error finish note ping pong tracker",
};

test("what may come which way is what it was", () => {
  for (const way of ways) {
    const [from, to] = way.split(">") as [Party, Party];
    const may = actions.filter((action) => isLegal(action, from, to)).sort();
    assert.equal(may.join(" "), legal[way], way);
  }
  for (const action of ["", "toString", "__proto__", "CONNECT"]) {
    assert.equal(isLegal(action, "browser", "gateway"), false, action);
  }
});

test("an action out of its state is a bad message that says why", () => {
  assert.throws(() => mustBeLegal("finish", "new"), /bad message: connect first/);
  assert.throws(() => mustBeLegal("connect", "left"), /it has connected already/);
  assert.throws(() => mustBeLegal("ack", "browser"), /only the tracker may send this/);
  for (const action of actions) {
    const { otherwise, states } = rules[action];
    assert.equal(otherwise === undefined, states.length === 4, action);
    for (const state of states) mustBeLegal(action, state);
  }
});

const text = readFileSync(new URL("../../../docs/protocols/browser.md", import.meta.url), "utf8");

test("the document has the messages of the table, and the states in which they are taken", () => {
  const shown = new Map<Way, Set<string>>(ways.map((way) => [way, new Set()]));
  let way: Way = "browser>gateway";
  const [, table = ""] = text.split("| from → to | action | data |");
  for (const [, from = "", listed = ""] of table
    .split("\n\n")[0]!
    .matchAll(/^\| (.*?)\| (`.*?) \|/gm)) {
    if (from.trim() !== "") way = from.trim().toLowerCase().replace(" → ", ">") as Way;
    for (const [, action = ""] of listed.matchAll(/`(\w+)`/g)) shown.get(way)?.add(action);
  }
  for (const one of ways) {
    const known = actions.filter((action) => rules[action].ways.includes(one));
    assert.deepEqual([...shown.get(one)!].sort(), known.sort(), one);
  }
  const [, states = ""] = text.split("| action | taken from a connection that is |");
  const taken = [...states.split("\n\n")[0]!.matchAll(/^\| (`.*?) \| (.*) \|$/gm)].flatMap(
    ([, listed = "", of = ""]) =>
      [...listed.matchAll(/`(\w+)`/g)].map(([, action]) => [action, of] as const),
  );
  const expected = actions.map((action) => {
    const list = rules[action].states;
    return [
      action,
      list.length === 4 ? "any" : list.length === 0 ? "none" : list.join(", "),
    ] as const;
  });
  assert.deepEqual(taken.toSorted(), expected.toSorted());
});
