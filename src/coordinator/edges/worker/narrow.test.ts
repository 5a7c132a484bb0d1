/** Links that carry what is small and lose what is large, by frames and times. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { reasonText } from "../../../core/why/reasons.ts";
import type { Link } from "../../../link/link.ts";
import { defaultLinkLimits, WorkerLink } from "./link.ts";
import { NarrowLinks } from "./narrow.ts";

/** A described worker's link, the frames that it sends, and a clock. */
function linked(narrow: NarrowLinks) {
  let nowMs = 1_000;
  let receive = (_frame: Uint8Array) => {};
  let close = (_reason: string) => {};
  const nothing = () => {};
  const link: Link = {
    remote: "10.0.0.3:4711",
    send: () => {},
    close: nothing,
    onFrame: (take) => {
      receive = take;
    },
    onClose: (ended) => {
      close = ended;
    },
    pendingBytes: () => 0,
  };
  const owner = {
    heard: nothing,
    requested: nothing,
    told: nothing,
    mayAsk: nothing,
    closed: nothing,
    measured: nothing,
  };
  const limits = defaultLinkLimits;
  const one = new WorkerLink(link, {} as never, { owner, limits, nowMs: () => nowMs, narrow });
  return {
    one,
    close: () => close("gone"),
    at(ms: number) {
      nowMs = ms;
    },
    says: (hex: string) => receive(Buffer.from(hex, "hex")),
    tick: () => one.tick(nowMs, 10_000),
    welcome() {
      one.phase = "welcoming";
      one.worker = "w-1";
      one.isDescribed = true;
      one.welcome(new Uint8Array(0));
    },
  };
}

const isWorker = "0412020801";
const ping = "024200";

test("N9: a worker whose join does not arrive, while small messages do, is named", () => {
  const narrow = new NarrowLinks();
  const { at, says, tick } = linked(narrow);
  says(isWorker);
  at(32_000);
  tick();
  const who = "10.0.0.3";
  const [seen] = narrow.list(32_000);
  assert.deepEqual(seen, { who, remote: who, towards: "coordinator" });
  const text = /^small messages of a worker at 10\.0\.0\.3 arrive and large ones do not; .*MTU/;
  assert.match(reasonText({ kind: "link-narrow", ...seen! }), text);
  assert.deepEqual(narrow.list(700_000), []);
});

test("N9: a link on which nothing came from the start is not called so", () => {
  const narrow = new NarrowLinks();
  const { at, tick } = linked(narrow);
  at(32_000);
  tick();
  assert.deepEqual(narrow.list(32_000), []);
});

test("N9: a worker that does not get the answer to its join is named until it does", () => {
  const narrow = new NarrowLinks();
  const lost = linked(narrow);
  lost.says(isWorker);
  lost.welcome();
  lost.at(11_000);
  lost.close();
  const towards = "worker";
  assert.deepEqual(narrow.list(11_000), [{ who: "w-1", remote: "10.0.0.3", towards }]);
  const good = linked(narrow);
  good.says(isWorker);
  good.welcome();
  assert.equal(narrow.list(12_000).length, 1);
  good.says(ping);
  assert.deepEqual(narrow.list(12_000), []);
  // One that ends soon after its join has another reason.
  const short = linked(narrow);
  short.says(isWorker);
  short.welcome();
  short.close();
  assert.deepEqual(narrow.list(12_000), []);
});

test("N9: a worker that pings and answers nothing is named, and loses its link", () => {
  const narrow = new NarrowLinks();
  const { at, one, says, tick, welcome } = linked(narrow);
  says(isWorker);
  welcome();
  says(ping);
  at(2_000);
  one.order({ kind: "tasksAbord", taskIds: [new Uint8Array(34)] });
  at(9_000);
  says(ping);
  at(12_500);
  tick();

  assert.equal(one.phase, "closed");
  assert.deepEqual(narrow.list(12_500), [{ who: "w-1", remote: "10.0.0.3", towards: "worker" }]);
});
