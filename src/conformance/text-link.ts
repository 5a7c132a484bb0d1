/** What every link of texts must do, as between a gateway and the tabs of its browsers. */
import assert from "node:assert/strict";
import { type Check, checksOf, type SuiteOptions } from "./check.ts";

/** What such a link is, as far as those that use it know. */
export interface TextEnd {
  /** For logs: the peer's address. */
  readonly remote: string;
  /** Starts reading. Set once; what came before is delivered then. */
  receive(receiver: {
    said(text: string): void;
    /** A frame of bytes came. */
    misspoke(what: string): void;
    /** Called once, with why. */
    closed(reason: string): void;
  }): void;
  /** No effect after close. */
  send(text: string): void;
  /** `code` of WebSocket, and at most 120 bytes of reason. May be called twice. */
  close(code: number, reason: string): void;
}

/** Opens a new link and gives both ends of it, neither of which has a receiver. `close`, where
 *  there is one, is called when both ends have been closed. */
export type OpenTextLinks = () => Promise<{
  readonly ends: readonly [TextEnd, TextEnd];
  readonly close?: () => Promise<void> | void;
}>;

export function textLinkChecks(open: OpenTextLinks, options: SuiteOptions = {}): Check[] {
  const withLink = (run: Tests[string]) => async () => {
    const { ends, close } = await open();
    try {
      await run(...ends);
    } finally {
      for (const end of ends) end.close(normal, "the check is over");
      await close?.();
    }
  };
  return checksOf(
    "text link",
    Object.fromEntries(Object.entries(tests).map(([title, run]) => [title, withLink(run)])),
    options,
  );
}

const normal = 1000;

type Tests = Record<string, (first: TextEnd, second: TextEnd) => Promise<void>>;

const tests: Tests = {
  "delivers texts whole and in order, both ways": async (first, second) => {
    const sent = ["", "é海😀\0", "x".repeat(300_000)];
    for (let n = 0; n < 200; n++) sent.push(`text ${n}`);
    const [there, back] = [listen(second), listen(first)];
    for (const text of sent) {
      first.send(text);
      second.send(text);
    }
    assert.deepEqual(await there.texts(sent.length), sent);
    assert.deepEqual(await back.texts(sent.length), sent);
  },

  "keeps texts that arrive before a receiver is set": async (first, second) => {
    const early = listen(first);
    first.send("early");
    second.send("now");
    await early.texts(1);
    // Time to arrive and be lost, for a link that would lose it.
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(await listen(second).texts(1), ["early"]);
  },

  "never delivers inside send": async (first, second) => {
    let inside = true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    second.receive({ said: () => resolve(inside), misspoke() {}, closed() {} });
    first.send("a");
    inside = false;
    assert.equal(await promise, false);
  },

  "delivers what was sent before a close, then reports why, once": async (first, second) => {
    const [here, there] = [listen(first), listen(second)];
    first.send("last");
    first.close(normal, "the job is done");
    first.close(normal, "again");
    assert.equal(await there.closed, "the job is done");
    assert.deepEqual(there.log, ["last", "closed: the job is done"]);
    await here.closed;
    assert.equal(here.log.length, 1);
  },

  "ignores sends after the close": async (first, second) => {
    const [here, there] = [listen(first), listen(second)];
    first.close(normal, "over");
    first.send("late");
    await Promise.all([here.closed, there.closed]);
    second.send("late");
    second.close(normal, "again");
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(
      [...here.log, ...there.log].filter((line) => line === "late"),
      [],
    );
  },
};

/** Everything that is received, in order. */
function listen(end: TextEnd) {
  const log: string[] = [];
  const waiting: Array<() => void> = [];
  const { promise: closed, resolve } = Promise.withResolvers<string>();
  end.receive({
    said(text) {
      log.push(text);
      for (const wake of waiting.splice(0)) wake();
    },
    misspoke: (what) => void log.push(`misspoke: ${what}`),
    closed(reason) {
      log.push(`closed: ${reason}`);
      resolve(reason);
    },
  });
  const texts = async (count: number) => {
    while (log.length < count) await new Promise<void>((wake) => waiting.push(wake));
    return log.slice(0, count);
  };
  return { log, closed, texts };
}
