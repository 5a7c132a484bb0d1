/** Messages that a receiver does not accept: refused with a reason, once, without closing the
 *  link. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8Bytes } from "../../src/core/sharing/names.ts";
import { GatewaySession } from "../../src/gateway/gateway-session.ts";
import { gatewayLimits } from "../../src/gateway/options.ts";
import { closeCodes } from "../../src/link/close-reason.ts";
import { decodeBrowser, encodeBrowser } from "../../src/wire/browser/codec.ts";
import { type BrowserBody, browserLimits } from "../../src/wire/browser/messages.ts";
import type { TaskMore } from "../../src/wire/browser/more.ts";
import { TabNotes } from "../../src/worker/browser/tab/reporting/notes.ts";
import { type SessionOrder, TabSession } from "../../src/worker/browser/tab/session.ts";

const { helloMax, messageMaxBytes, notesMax } = browserLimits;
type Sent = { readonly action: string; readonly data: Record<string, unknown> };

/** A tab that has joined, with the messages that it has sent. */
class JoinedTab {
  readonly session: TabSession;
  readonly sent: string[] = [];
  readonly orders: SessionOrder[] = [];

  constructor(slots = 2) {
    const identity = { worker: "w-1", credential: "c" };
    const of = { version: "1", session: "0".repeat(32), after: "", token: "", name: "", slots };
    this.session = new TabSession({ ...of, identity, kinds: [100], chance: () => 0.5 });
    this.do(this.session.start());
    this.connect();
  }

  do(orders: readonly SessionOrder[]): void {
    this.orders.push(...orders);
    for (const order of orders) if (order.kind === "send") this.sent.push(order.text);
  }

  connect(): void {
    this.session.dialling(0);
    this.do(this.session.connected(1, 0));
    const more = { worker: "w-1", credential: "", version: "1", noteMs: 2_000 };
    this.hear({ action: "welcome", uid: null, more });
  }

  hear(body: BrowserBody, failure?: string): void {
    const text = encodeBrowser(body, failure === undefined ? undefined : { message: failure });
    this.do(this.session.said(text, 0));
  }

  give(tid: number, ref = `j-1/0/${tid}#1`): void {
    const more = { ref, attempts: [[tid, 1]] } as unknown as TaskMore;
    this.hear({ action: "task", uid: null, type: "m", tid, url: ["/t/a/in/0"], more });
  }

  end(tid: number, letters: number): void {
    const more = { reports: ["ü".repeat(letters)] };
    this.do(
      this.session.ended(tid, { action: "finish", uid: null, type: "m", tid, url: [], more }),
    );
  }

  /** Removes and returns those of an action. */
  take(action: string): Sent[] {
    return this.sent
      .splice(0)
      .map((text) => JSON.parse(text) as Sent)
      .filter((one) => one.action === action);
  }
}

function reasonOf({ data }: Sent): string {
  return (data.more as { failure: { message: string } }).failure.message;
}

test("a refused report is sent again as the reason, and that once", () => {
  const tab = new JoinedTab();
  tab.give(1);
  tab.end(1, 10);
  assert.equal(tab.take("finish").length, 1);
  const refusal: BrowserBody = { action: "error", uid: null, error: "no", more: { tid: 1 } };
  tab.hear(refusal, "bad message: more than it takes");
  const [error] = tab.take("error");
  assert.match(reasonOf(error!), /could not report it: bad message: more than it takes/);
  tab.connect();
  assert.equal(tab.take("error").length, 1, "until it is acknowledged");
  tab.hear(refusal, "bad message: more than it takes");
  tab.connect();
  assert.deepEqual(tab.take("error"), []);
  assert.ok(tab.orders.some((order) => order.kind === "stop"));
});

test("a link that is closed over a message too large costs the task that sent it, no more", () => {
  const tab = new JoinedTab();
  tab.give(1);
  tab.give(2);
  tab.end(1, 100);
  tab.end(2, 20_000);
  tab.take("finish");
  tab.do(tab.session.closed("", 0, closeCodes.tooLarge));
  tab.connect();
  const sent = tab.sent.splice(0).map((text) => JSON.parse(text) as Sent);
  assert.deepEqual(
    sent
      .filter(({ action }) => action === "finish" || action === "error")
      .map(({ action, data }) => [action, data.tid ?? (data.more as { tid: number }).tid]),
    [
      ["finish", 1],
      ["error", 2],
    ],
  );
});

test("a report above the limit is never sent", () => {
  const tab = new JoinedTab();
  tab.give(1);
  tab.end(1, messageMaxBytes / 2);
  assert.deepEqual(tab.take("finish"), []);
  tab.give(2);
  tab.end(2, messageMaxBytes);
  assert.match(reasonOf(tab.take("error")[0]!), /more than \d+ bytes/);
});

test("a first message names as many tasks as its gateway takes, begun ones first", () => {
  const tab = new JoinedTab(256);
  const ref = Array.from({ length: 1_024 }, (_, task) => `j-1000/0/${task}000#1`).join(",");
  for (let tid = 1; tid <= 60; tid++) tab.give(tid, ref);
  tab.session.began(60);
  tab.sent.splice(0);
  tab.connect();
  const [hello] = tab.sent;
  assert.ok(hello!.length <= helloMax, `${hello!.length} characters`);
  const { holding } = (JSON.parse(hello!) as Sent).data.more as { holding: [number][] };
  assert.equal(holding[0]![0], 60);
  assert.ok(holding.length > 10 && holding.length < 60);
});

test("a note holds what its receiver takes, and no half characters", () => {
  const notes = new TabNotes();
  for (let i = 0; i < 3_000; i++) {
    notes.logged(1, 1, `${"x".repeat(4_095)}😀`);
    notes.progressed(1, i, 1);
  }
  const more = {
    ...notes.take(),
    started: Array.from({ length: notesMax }, (_, i) => i),
    paused: "",
  };
  const text = encodeBrowser({ action: "pong", more });
  assert.ok(utf8Bytes(text) <= browserLimits.fromBrowserMaxBytes);
  assert.ok(more.logs.length <= notesMax && more.progress.length <= notesMax);
  assert.match(more.logs.at(-1)![2], /\(\d{4} lines dropped: too many at once\)/);
  decodeBrowser(text, "browser", "gateway");
  assert.equal(notes.take().progress.length, notesMax);
});

/** A gateway with a tracker (connection 1) and a tab (2) that has task 5; returns what is sent to
 *  each connection. */
function gateway() {
  const sent = new Map<number, string[]>([
    [1, []],
    [2, []],
  ]);
  const closed: string[] = [];
  const board = new GatewaySession({
    limits: gatewayLimits,
    door: { anonymous: true },
    firstUid: 9n,
  });
  const say = (id: number, text: string) => {
    for (const order of board.said(id, text, 0)) {
      if (order.kind === "send") sent.get(order.connection)!.push(order.text);
      if (order.kind === "close") closed.push(order.reason);
    }
  };
  for (const id of [1, 2]) board.opened(id, { remote: `r${id}`, trackerProblem: null }, 0);
  say(1, encodeBrowser({ action: "tracker", more: { session: "t" } }));
  say(
    2,
    encodeBrowser({ action: "connect", uid: null, speed: 1, more: { session: "s", slots: 1 } }),
  );
  const ref = "j-1/0/0#1";
  say(
    1,
    encodeBrowser({
      action: "task",
      uid: "10",
      type: "m",
      tid: 5,
      url: ["/t/a/in/0"],
      more: { ref },
    }),
  );
  for (const all of sent.values()) all.length = 0;
  return { say, sent, closed };
}

test("what a gateway would make too large for its tracker is refused, naming the task", () => {
  const { closed, say, sent } = gateway();
  const more = { reports: Array.from({ length: 150_000 }, () => 1e20) };
  const finish = encodeBrowser({
    action: "finish",
    uid: null,
    type: "m",
    tid: 5,
    url: ["/t/a/out/0"],
    more,
  });
  // Short in its message, and five times as long when it is encoded again.
  const short = finish.replaceAll("100000000000000000000", "1e20");
  assert.ok(short.length < messageMaxBytes);
  say(2, short.replace("[1e20", `["${"x".repeat(2 * 1024 * 1024)}",1e20`));
  assert.deepEqual(sent.get(1), []);
  const { body, message } = decodeBrowser(sent.get(2)!.at(-1)!, "gateway", "browser");
  assert.ok(body.action === "error");
  assert.deepEqual({ ...body.more }, { tid: 5 });
  assert.match(message, /a message has \d+ bytes, at most 4194304/);
  assert.deepEqual(closed, []);
});

test("a report that is no message names its task all the same", () => {
  const { say, sent } = gateway();
  const finish = { action: "finish", uid: null, type: "m", tid: 5, url: ["/t/a/out/0"] } as const;
  const text = encodeBrowser({ ...finish, more: { reports: ["\ud83d"] } });
  say(2, text);
  const { body } = decodeBrowser(sent.get(2)!.at(-1)!, "gateway", "browser");
  assert.deepEqual({ ...(body as { more: object }).more }, { tid: 5 });
});
