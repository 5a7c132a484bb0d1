/** The tab's decisions without a tab: which messages it sends, when it dials, what it keeps. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeBrowser } from "../../src/wire/browser/codec.ts";
import type { BrowserBody } from "../../src/wire/browser/messages.ts";
import type { TaskMore } from "../../src/wire/browser/more.ts";
import { type SessionOrder, TabSession } from "../../src/worker/browser/tab/session.ts";

const name = "0123456789abcdef0123456789abcdef";
const identity = { worker: "w-7", credential: "c" };

type Told = { readonly action: string; readonly data: Record<string, unknown> };

/** A session, and its orders since the last call. */
class Try {
  readonly session: TabSession;
  orders: SessionOrder[] = [];
  atMs = 0;

  constructor(more: Partial<ConstructorParameters<typeof TabSession>[0]> = {}) {
    const common = { version: "1", session: name, after: "", token: "t", identity: null };
    const options = { ...common, name: "", slots: 2, kinds: [100], chance: () => 0.5, ...more };
    this.session = new TabSession(options);
    this.do(this.session.start());
  }

  do(orders: readonly SessionOrder[]): void {
    this.orders.push(...orders);
  }

  connect(): void {
    this.session.dialling(this.atMs);
    this.do(this.session.connected(500, this.atMs));
  }

  hear(body: BrowserBody, failure?: string): void {
    const text = encodeBrowser(body, failure === undefined ? undefined : { message: failure });
    this.do(this.session.said(text, this.atMs));
  }

  welcome(worker = "w-7"): void {
    const more = { worker, credential: "c", version: "1", noteMs: 2_000 };
    this.hear({ action: "welcome", uid: null, more });
  }

  give(tid: number): void {
    const more = { ref: `j-1/0/${tid}#1`, attempts: [[tid, 1]] } as unknown as TaskMore;
    this.hear({ action: "task", uid: null, type: "m", tid, url: ["/t/a/in/0"], more });
  }

  /** `more` of the first message since. */
  more(): Record<string, unknown> {
    return this.take().sent[0]!.data.more as Record<string, unknown>;
  }

  /** The messages that were sent, and the other orders. */
  take(): { sent: Told[]; others: SessionOrder[] } {
    const { orders } = this;
    this.orders = [];
    const sent = orders.flatMap((one) =>
      one.kind === "send" ? [JSON.parse(one.text) as Told] : [],
    );
    return { sent, others: orders.filter(({ kind }) => kind !== "send") };
  }

  finish(tid: number): void {
    const more = { reports: [] };
    const url = ["/t/a/out/0"];
    this.do(this.session.ended(tid, { action: "finish", uid: null, type: "m", tid, url, more }));
  }
}

test("a new tab shows the token of its link, a known one what it was given", () => {
  const fresh = new Try();
  fresh.connect();
  const [hello] = fresh.take().sent;
  assert.equal(hello?.action, "connect");
  assert.deepEqual(hello?.data.speed, 500);
  const known = new Try({ identity });
  known.connect();
  const more = known.more();
  assert.deepEqual([more.token, more.worker, more.credential], ["", "w-7", "c"]);
});

test("the end of a task is reported on each connection, until it is acknowledged", () => {
  const tab = new Try();
  tab.connect();
  tab.welcome();
  tab.give(3);
  assert.equal(tab.take().others.at(-1)?.kind, "run");
  tab.do(tab.session.closed("", 10));
  tab.finish(3);
  assert.deepEqual(tab.take().sent, []);
  tab.connect();
  const holding = tab.more().holding;
  assert.deepEqual(holding, [[3, "m", "j-1/0/3#1"]]);
  tab.welcome();
  assert.deepEqual(
    tab.take().sent.map(({ action }) => action),
    ["finish"],
  );
  tab.hear({ action: "ack", uid: null, tid: 3 });
  tab.do(tab.session.closed("", 20));
  tab.connect();
  const after = tab.more().holding;
  assert.deepEqual(after, []);
});

test("B3: a tab that is fenced by its double joins as a new one", () => {
  const tab = new Try({ identity });
  tab.connect();
  tab.take();
  tab.hear({ action: "welcome", uid: null, more: {} }, "fenced: w-7 is in use by another tab");
  const { others } = tab.take();
  assert.deepEqual(
    others.map(({ kind }) => kind),
    ["print", "remember", "close", "dial"],
  );
  tab.connect();
  const more = tab.more();
  assert.deepEqual([more.token, more.worker], ["t", ""]);
});

test("a tab whose results were found wrong stops, and does not come back as a new one", () => {
  const tab = new Try({ identity });
  tab.connect();
  tab.welcome();
  tab.give(3);
  tab.take();
  tab.hear({ action: "welcome", uid: null, more: {} }, "forbidden: results of w-7 were wrong");
  const { others } = tab.take();
  assert.deepEqual(
    others.map(({ kind }) => kind),
    ["print", "stop", "close"],
  );
  assert.equal(tab.session.phase, "refused");
  assert.deepEqual(tab.session.tick(1e6), []);
});

test("a new tab that is rejected does not come back", () => {
  const tab = new Try();
  tab.connect();
  tab.hear({ action: "welcome", uid: null, more: {} }, "unauthenticated: the token is used up");
  assert.equal(tab.session.phase, "refused");
  assert.match(tab.session.refusal, /used up/);
  assert.deepEqual(tab.session.closed("", 5), []);
  assert.deepEqual(tab.session.tick(1e6), []);
});

test("it dials again after longer and longer waits, and not all tabs at once", () => {
  const waits = [0, 0.999].map((chance) => {
    const tab = new Try({ chance: () => chance });
    return Array.from({ length: 10 }, () => {
      tab.take();
      tab.connect();
      tab.do(tab.session.closed("", 0));
      const [dial] = tab.take().others.filter(({ kind }) => kind === "dial");
      return dial?.kind === "dial" ? dial.afterMs : -1;
    });
  });
  const [least, most] = waits as [number[], number[]];
  assert.equal(least[0], 125);
  assert.ok(least.every((ms, i) => i === 0 || ms >= least[i - 1]!));
  assert.ok(most.every((ms, i) => ms > least[i]! && ms <= 15_000));
});

test("T5.7: a gateway that is silent for 50 s is given up", () => {
  const tab = new Try();
  tab.connect();
  tab.welcome();
  tab.take();
  tab.do(tab.session.tick(49_000));
  assert.ok(!tab.take().others.some(({ kind }) => kind === "close"));
  tab.do(tab.session.tick(51_000));
  assert.deepEqual(
    tab.take().others.map(({ kind }) => kind),
    ["close", "dial"],
  );
});

test("a pause is reported at once, and again after a new connection", () => {
  const tab = new Try();
  tab.connect();
  tab.welcome();
  tab.take();
  const paused = () =>
    tab.take().sent.map(({ data }) => (data.more as { paused?: string } | undefined)?.paused);
  tab.do(tab.session.pause("on battery", 100));
  assert.deepEqual(paused(), ["on battery"]);
  tab.do(tab.session.closed("", 200));
  tab.connect();
  tab.welcome();
  tab.take();
  tab.do(tab.session.tick(5_000));
  assert.deepEqual(paused(), ["on battery"]);
});

test("changed slots are reported at once, and again after a new connection", () => {
  const tab = new Try();
  const slots = () =>
    tab.take().sent.map(({ data }) => (data.more as { slots?: number } | undefined)?.slots);
  tab.connect();
  tab.welcome();
  assert.deepEqual(slots(), [2]);
  tab.do(tab.session.resize(4, 100));
  tab.do(tab.session.resize(4, 101));
  assert.deepEqual(slots(), [4]);
  // A restarted coordinator receives what the gateway knows: the tab's first message.
  tab.welcome();
  tab.do(tab.session.tick(5_000));
  assert.deepEqual(slots(), [4]);
  tab.do(tab.session.closed("", 5_100));
  tab.do(tab.session.resize(1, 5_200));
  assert.deepEqual(slots(), []);
  tab.connect();
  tab.welcome();
  tab.do(tab.session.tick(9_000));
  assert.deepEqual(slots(), [1, 1]);
});

test("a tab that leaves disconnects, stops what it runs, and never dials again", () => {
  const tab = new Try();
  tab.connect();
  tab.welcome();
  tab.give(1);
  tab.take();
  tab.do(tab.session.leave());
  const { others, sent } = tab.take();
  assert.deepEqual(
    sent.map(({ action }) => action),
    ["pong", "disconnect"],
  );
  assert.match(JSON.stringify(sent[0]), /"left":true/, "it is not lost: it has left");
  assert.deepEqual(others, [{ kind: "close" }, { kind: "stop", tid: 1 }]);
  assert.deepEqual(tab.session.closed("", 1), []);
  assert.deepEqual(tab.session.hurry(), []);
});

test("what is no message is shown and changes nothing", () => {
  const tab = new Try();
  tab.connect();
  tab.welcome();
  tab.take();
  for (const text of [
    "",
    "{}",
    "[1]",
    '{"status":1,"message":"","action":"disconnect","data":{}}',
  ]) {
    tab.do(tab.session.said(text, 1));
  }
  assert.deepEqual([...new Set(tab.take().others.map(({ kind }) => kind))], ["print"]);
  assert.equal(tab.session.phase, "joined");
});

test("a task that ended lately is not computed again when it is sent once more", () => {
  const tab = new Try();
  tab.connect();
  tab.welcome();
  tab.give(3);
  tab.finish(3);
  tab.hear({ action: "ack", uid: null, tid: 3 });
  tab.take();
  // A gateway that was paused meanwhile still had it on its list.
  tab.give(3);
  const { others, sent } = tab.take();
  assert.deepEqual(others, []);
  assert.deepEqual(
    sent.map(({ action }) => action),
    ["finish"],
  );
});
