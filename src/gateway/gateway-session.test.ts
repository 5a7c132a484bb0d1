/** The gateway's decisions, as conversations: what is sent to which connection, and which are
 *  admitted. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeBrowser } from "../wire/browser/codec.ts";
import type { BrowserBody } from "../wire/browser/messages.ts";
import { Table } from "./testing/table.ts";

const hello = (speed: number, more: Record<string, unknown> | null = null): BrowserBody => ({
  action: "connect",
  uid: null,
  speed,
  more,
});
const task = (uid: string, tid: number, more: Record<string, unknown> | null = null) =>
  ({ action: "task", type: "m", uid, tid, url: ["/in"], more }) as const;
const finish = (tid: number): BrowserBody => ({
  action: "finish",
  type: "m",
  uid: null,
  tid,
  url: ["/out"],
  more: null,
});
const tracker: BrowserBody = { action: "tracker", more: null };
const plain = (action: string, fields: string) =>
  `{"status":1,"message":"","action":"${action}","data":{${fields}}}`;

describe("the gateway between browsers and tracker", () => {
  it("passes tasks and results on: no uid to the browser, one to the tracker", () => {
    const table = new Table();
    const [t, b] = [table.open(), table.open()];
    table.say(t, tracker);
    table.say(b, hello(100));
    assert.deepEqual(table.take(t), [plain("connect", '"uid":1001,"speed":100')]);
    table.say(t, task("1001", 5));
    assert.deepEqual(table.take(b), [plain("task", '"type":"m","tid":5,"url":["/in"]')]);
    table.say(b, finish(5));
    assert.deepEqual(table.take(t), [
      plain("finish", '"type":"m","uid":1001,"tid":5,"url":["/out"]'),
    ]);
    table.say(t, task("1001", 6));
    table.say(b, { action: "error", uid: null, error: "no", more: null });
    assert.deepEqual(table.take(t), [plain("error", '"uid":1001,"error":"no"')]);
    table.hangUp(b);
    assert.deepEqual(table.take(t), [plain("disconnect", '"uid":1001')]);
  });

  it("reports the connected browsers to a tracker that comes later", () => {
    const table = new Table();
    const [a, b, t] = [table.open(), table.open(), table.open()];
    table.say(a, hello(1));
    table.say(b, hello(2));
    table.say(t, tracker);
    assert.deepEqual(table.take(t), [
      plain("connect", '"uid":1001,"speed":1'),
      plain("connect", '"uid":1002,"speed":2'),
    ]);
  });

  it("T5.3: refuses a second tracker while one is live, and takes one when it is gone", () => {
    const table = new Table();
    const [first, second, third] = [table.open(), table.open(), table.open()];
    table.say(first, tracker);
    table.say(second, tracker);
    const [refusal] = table.take(second);
    const { body, message, ok } = decodeBrowser(refusal!, "gateway", "tracker");
    assert.deepEqual(
      [ok, body.action, message],
      [false, "tracker", "there is a JobTracker already"],
    );
    assert.match(table.closed.get(second)!, /^1008/);
    table.hangUp(first);
    table.say(third, tracker);
    assert.equal(table.board.hasTracker, true);
    assert.deepEqual(table.take(third), []);
  });

  it("T5.3: refuses a tracker that the carrier does not admit", () => {
    const table = new Table();
    const t = table.open("it shows no tracker token");
    table.say(t, tracker);
    assert.equal(table.board.hasTracker, false);
    assert.match(table.take(t)[0]!, /no tracker token/);
  });

  it("refuses unauthenticated browsers, unless they are allowed", () => {
    const table = new Table({}, false);
    const [bare, tab, t] = [table.open(), table.open(), table.open()];
    table.say(t, tracker);
    table.say(bare, hello(1));
    assert.match(table.closed.get(bare)!, /1008.*link/);
    table.say(tab, hello(1, { session: "s", token: "x" }));
    const sent = /"more":\{"session":"s","token":"x","from":"[^"]+","holding":\[\]\}/;
    assert.match(table.take(t).join(), sent);
  });

  it("X10: the tracker is informed where a tab is, whatever the tab says", () => {
    const table = new Table({}, false);
    const [tab, t] = [table.open(), table.open()];
    table.say(t, tracker);
    table.say(tab, hello(1, { session: "s", token: "x", from: "192.0.2.1:1" }));
    const text = table.take(t).join();
    assert.match(text, /"from":"host-/);
    assert.doesNotMatch(text, /192\.0\.2\.1/);
  });

  it("T5.4: a finish of a task that was not assigned is refused; a repeated one is ignored", () => {
    const table = new Table();
    const [t, b] = [table.open(), table.open()];
    table.say(t, tracker);
    table.say(b, hello(1));
    table.say(b, finish(9));
    assert.match(table.take(b)[0]!, /"status":0,.*not assigned/);
    table.say(t, task("1001", 9));
    table.say(b, finish(9));
    table.take(t);
    table.take(b);
    for (let i = 0; i < 10; i++) table.say(b, finish(9));
    assert.deepEqual([table.take(t), table.take(b)], [[], []]);
    assert.equal(table.closed.has(b), false);
  });

  it("T5.5: three bad messages are tolerated, the fourth closes with 1008", () => {
    const table = new Table();
    const b = table.open();
    table.say(b, hello(1));
    for (let i = 0; i < 3; i++) {
      table.raw(b, "{");
      assert.match(table.take(b)[0]!, /"status":0/);
    }
    assert.equal(table.closed.has(b), false);
    table.raw(b, "{");
    assert.match(table.closed.get(b)!, /^1008/);
  });

  it("T5.2: prints every message that is not empty, escaped", () => {
    const table = new Table();
    const b = table.open();
    table.raw(b, '{"status":1,"message":"hi \\u001b[2J","action":"connect","data":{"speed":1}}');
    assert.deepEqual(table.printed, ["host-1: hi \\u{1b}[2J"]);
  });

  it("T5.7: pings, and gives up a browser that is silent for its time", () => {
    const table = new Table({ pingMs: 10_000, tabTtlMs: 30_000 });
    const [t, quiet, lively] = [table.open(), table.open(), table.open()];
    table.say(t, tracker);
    table.say(quiet, hello(1));
    table.say(lively, hello(1));
    table.take(t);
    for (let i = 0; i < 4; i++) {
      table.pass(11_000);
      assert.ok(table.sent.get(lively)!.some((text) => text.includes('"action":"ping"')));
      table.take(lively);
      table.say(lively, { action: "pong", more: null });
    }
    assert.match(table.closed.get(quiet)!, /silent for 3\d s/);
    assert.equal(table.closed.has(lively), false);
    assert.deepEqual(table.take(t), [plain("disconnect", '"uid":1001')]);
  });

  it("T5.7: answers pings, and closes a connection that floods", () => {
    const table = new Table({ messagesPerS: 5 });
    const b = table.open();
    table.say(b, hello(1));
    table.say(b, { action: "ping" });
    assert.deepEqual(table.take(b), [plain("pong", "")]);
    for (let i = 0; i < 100; i++) table.say(b, { action: "pong", more: null });
    assert.match(table.closed.get(b)!, /too many messages/);
  });

  it("closes a connection that never sends connect", () => {
    const table = new Table({ helloTimeoutMs: 5_000 });
    const b = table.open();
    table.pass(4_000);
    assert.equal(table.closed.has(b), false);
    table.pass(1_000);
    assert.match(table.closed.get(b)!, /never sent a connect/);
  });

  it("T5.7: a page that comes back in time keeps its uid and its tasks", () => {
    const table = new Table({ resumeMs: 30_000 });
    const [t, first] = [table.open(), table.open()];
    table.say(t, { action: "tracker", more: { session: "c" } });
    table.say(first, hello(1, { session: "page" }));
    table.say(t, task("1001", 1, { ref: "j-1/0/1/1" }));
    table.say(t, task("1001", 2, { ref: "j-1/0/2/1" }));
    table.hangUp(first);
    table.say(t, task("1001", 3));
    table.take(t);
    const second = table.open();
    table.say(second, hello(1, { session: "page", holding: [1, 77] }));
    const got = table.take(second).map((text) => decodeBrowser(text, "gateway", "browser").body);
    assert.deepEqual(
      got.map((body) => [body.action, "tid" in body ? body.tid : null]),
      [
        ["task", 2],
        ["task", 3],
        ["abort", 77],
      ],
    );
    assert.deepEqual(table.take(t), []);
    table.hangUp(second);
    table.pass(31_000);
    assert.deepEqual(table.take(t), [plain("disconnect", '"uid":1001')]);
  });

  it("keeps what a tab finished until the same tracker is back and acknowledges it", () => {
    const table = new Table();
    const [t, b] = [table.open(), table.open()];
    const ours: BrowserBody = { action: "tracker", more: { session: "c" } };
    table.say(t, ours);
    table.say(b, hello(1, { session: "page" }));
    table.say(t, task("1001", 1, { ref: "j-1/0/1/1" }));
    table.hangUp(t);
    table.say(b, finish(1));
    const again = table.open();
    table.say(again, ours);
    const sent = table.take(again);
    assert.match(sent[0]!, /"holding":\[\[1,"m","j-1\/0\/1\/1"\]\]/);
    assert.match(sent[1]!, /"action":"finish"/);
    table.take(b);
    table.say(again, { action: "ack", uid: "1001", tid: 1 });
    assert.deepEqual(table.take(b), [plain("ack", '"tid":1')]);
    table.say(b, finish(1));
    assert.deepEqual(table.take(b), [plain("ack", '"tid":1')]);
  });

  it("keeps the tasks of a tab that is there before the first tracker with a session", () => {
    const holding = [[7, "m", "j-1/0/1/1"]];
    for (const [more, held, aborted] of [
      [{ session: "c" }, /"holding":\[\[7,"m","j-1/, []],
      [null, /"holding":\[\]/, [plain("abort", '"tid":7')]],
    ] as const) {
      const table = new Table();
      const [tab, t] = [table.open(), table.open()];
      table.say(tab, hello(1, { session: "page", holding }));
      table.say(t, { action: "tracker", more });
      assert.match(table.take(t).join(), held);
      assert.deepEqual(table.take(tab), aborted);
    }
  });

  it("drops the tasks of a tracker that does not come back, and informs its tabs", () => {
    const table = new Table();
    const [t, tab, bare] = [table.open(), table.open(), table.open()];
    table.say(t, { action: "tracker", more: { session: "c" } });
    table.say(tab, hello(1, { session: "page" }));
    table.say(bare, hello(1));
    table.say(t, task("1001", 1));
    table.say(t, task("1002", 2));
    table.take(tab);
    table.hangUp(t);
    const other = table.open();
    table.say(other, tracker);
    assert.deepEqual(table.take(tab), [plain("abort", '"tid":1')]);
    assert.equal(table.take(other).length, 1);
    // A basic browser finishes computing; its result belongs to no tracker.
    table.say(bare, finish(2));
    assert.deepEqual(table.take(other), [plain("connect", '"uid":1002,"speed":1')]);
  });

  it("reports that a browser is gone when a tracker gives it a task", () => {
    const table = new Table();
    const t = table.open();
    table.say(t, tracker);
    table.say(t, task("18446744073709551615", 1));
    assert.deepEqual(table.take(t), [plain("disconnect", '"uid":18446744073709551615')]);
  });

  it("bounds the tasks of one browser", () => {
    const table = new Table({ tasksMax: 2 });
    const [t, b] = [table.open(), table.open()];
    table.say(t, tracker);
    table.say(b, hello(1));
    table.take(t);
    for (const tid of [1, 2, 3]) table.say(t, task("1001", tid));
    assert.equal(table.take(b).length, 2);
    assert.match(table.take(t)[0]!, /"error":"browser 1001 has 2 tasks/);
  });

  it("T5.3: a connection that only looks like a tracker takes no task from a browser", () => {
    const table = new Table();
    const [t, b, stranger] = [table.open(), table.open(), table.open()];
    table.say(t, tracker);
    table.say(b, hello(1, { session: "s" }));
    table.say(t, task("1001", 5, {}));
    table.take(b);
    const fields = '"uid":1001,"tid":5,"more":{"action":"tracker"}';
    for (const action of ["abort", "ack", "welcome"]) table.raw(stranger, plain(action, fields));
    assert.deepEqual(table.take(b), []);
    assert.match(table.take(stranger)[0]!, /only the tracker may send this/);
  });

  it("B3: a goodbye on the connection that a page had before does not end it", () => {
    const table = new Table();
    const [t, first, second] = [table.open(), table.open(), table.open()];
    table.say(t, tracker);
    table.say(first, hello(1, { session: "s" }));
    table.take(t);
    table.late.add(first);
    table.say(second, hello(1, { session: "s" }));
    table.say(first, { action: "disconnect", uid: null });
    assert.deepEqual(table.take(t), []);
    assert.equal(table.board.tabCount, 1);
  });

  it("a page that has become another worker elsewhere is new here, its old self is gone", () => {
    for (const isAway of [true, false]) {
      const table = new Table();
      const [t, first, second] = [table.open(), table.open(), table.open()];
      table.say(t, { action: "tracker", more: { session: "c" } });
      table.say(first, hello(1, { session: "page" }));
      const welcome = { worker: "w-1", credential: "secret" };
      table.say(t, { action: "welcome", uid: "1001", more: welcome });
      table.say(t, task("1001", 1, { ref: "j-1/0/0/1" }));
      if (isAway) table.hangUp(first);
      table.take(t);
      // By way of another gateway, which has numbered a task of its own 1.
      const holding = [[1, "m", "j-1/0/7/1"]];
      const shown = { session: "page", worker: "w-2", credential: "other", holding };
      table.say(second, hello(1, shown));
      const [gone, come, ...more] = table.take(t);
      assert.equal(gone, plain("disconnect", '"uid":1001'));
      assert.match(come!, /"uid":1002,.*"worker":"w-2",.*"holding":\[\[1,"m","j-1\/0\/7\/1"\]\]/);
      assert.deepEqual([more, table.take(second)], [[], []]);
      assert.equal(table.board.tabCount, 1);
      table.say(second, finish(1));
      assert.match(table.take(t).join(), /"action":"finish".*"uid":1002,"tid":1/);
    }
  });

  it("bounds the browsers that are known, those that are away among them", () => {
    const table = new Table({ connectionsMax: 2 });
    for (const session of ["a", "b", "c"]) {
      const id = table.open();
      table.say(id, hello(1, { session }));
      table.hangUp(id);
    }
    assert.equal(table.board.tabCount, 2);
    assert.match(table.closed.get(3)!, /^1013/);
  });

  it("bounds what it keeps of ended tasks while there is no tracker, and refuses none", () => {
    const table = new Table({ messagesPerS: 1_000 });
    const holding = Array.from({ length: 900 }, (_, tid) => [tid, "m", "ref"]);
    const open = (body: BrowserBody) => {
      const id = table.open();
      table.say(id, body);
      return id;
    };
    const same: BrowserBody = { action: "tracker", more: { session: "same" } };
    table.hangUp(open(same));
    for (let i = 0; i < 50 * 900; i++) {
      const id = 2 + Math.floor(i / 900);
      if (i % 900 === 0) open(hello(1, { session: `s${id}`, holding }));
      const more = { tid: i % 900 };
      table.say(id, { action: "error", uid: null, error: "x".repeat(8 * 1024), more });
      // Refused, it would be a failure of the task: the tab reports it again to a tracker.
      assert.deepEqual(table.take(id), []);
    }
    const tracked = open(same);
    const chars = table.take(tracked).join("").length;
    assert.ok(chars < 258 * 1024 * 1024 && chars > 200 * 1024 * 1024, `${chars} characters`);
  });

  it("reports a tab whose page is closed at once, and one of no known session never", () => {
    const table = new Table();
    const [t, a, b] = [table.open(), table.open(), table.open()];
    table.say(t, { action: "tracker", more: { session: "own" } });
    table.say(a, hello(1, { session: "of a" }));
    table.say(b, hello(1, { session: "of b" }));
    table.take(t);
    for (const session of ["", "of c"]) table.leave(session);
    assert.deepEqual(table.take(t), []);
    table.leave("of a");
    const [note = "", ...gone] = table.take(t);
    assert.match(note, /"action":"note".*"uid":1001.*"left":true/);
    assert.deepEqual(gone, [plain("disconnect", '"uid":1001')]);
    assert.match(table.closed.get(a)!, /^1000 its page is closed/);
    table.leave("of a");
    assert.deepEqual([table.take(t), table.board.tabCount], [[], 1]);
    table.hangUp(b);
    table.leave("of b");
    assert.match(table.take(t).join(), /"left":true.*"disconnect".*"uid":1002/);
    assert.equal(table.board.tabCount, 0);
  });

  it("a browser cannot give tasks, nor be the tracker", () => {
    const table = new Table();
    const [a, b] = [table.open(), table.open()];
    table.say(a, hello(1));
    table.say(b, hello(1));
    table.say(a, task("1002", 1));
    assert.match(table.take(a)[0]!, /"status":0/);
    assert.deepEqual(table.take(b), []);
    table.say(a, tracker);
    assert.equal(table.board.hasTracker, false);
  });
});
