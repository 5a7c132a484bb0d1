/** What a worker makes of an existing manager: who may be one, and what goes unanswered. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultRules, newWorkerState, type WorkerEvent } from "../../core/worker.ts";
import type { Link } from "../../link/link.ts";
import { ManagerTalk } from "./conversation.ts";
import { ModuleTasks } from "./module-tasks.ts";

/** A worker's end of a link, with what it sends in hex, and what the worker makes of it. */
function talk() {
  const sent: string[] = [];
  const events: string[] = [];
  let receive = (_frame: Uint8Array) => {};
  let nowMs = 0;
  const link: Link = {
    remote: "test",
    send: (frame) => void sent.push(Buffer.from(frame).toString("hex")),
    close: () => {},
    onFrame: (take) => {
      receive = take;
    },
    onClose: () => {},
    pendingBytes: () => 0,
  };
  const one = new ManagerTalk(link, {
    timers: { monotonicMs: () => nowMs, wallMs: () => nowMs, after: () => () => {} },
    specs: {
      ...{ name: "w", host: "h", slots: 1, memoryBytes: 0, kinds: [0], python: null },
      ...{ exchangeUrl: "", version: "", session: "s", isBase: true },
    },
    identity: { workerId: "", credential: "", tag: null },
    modules: new ModuleTasks(),
    state: newWorkerState(defaultRules),
    events: {
      post: (event: { readonly kind: WorkerEvent["kind"] }) => void events.push(event.kind),
      lost: (reason) => void events.push(`lost: ${reason}`),
      broken: () => void events.push("broken"),
      refused: ({ message }) => void events.push(`refused: ${message}`),
      openJob: () => {},
      setSources: () => {},
    },
  });
  one.join([], []);
  const say = (...frames: string[]) => {
    for (const hex of frames) receive(Buffer.from(hex, "hex"));
  };
  const check = (atMs: number) => {
    nowMs = atMs;
    one.checkAnswers();
  };
  return { check, events, one, say, sent };
}

const isManager = "021200";
const isWorker = "0412020801";
const accepts = "0432020801";
const bye = "023a00";

test("a manager says that it is one; any other that accepts gets a ManagerBye", () => {
  const good = talk();
  good.say(isManager, accepts);
  assert.ok(good.events.includes("welcomed"));
  for (const [said, what] of [
    [[isWorker], /refused: test is a worker itself/],
    [[isWorker, isManager], /refused: test is a worker itself/],
    [[], /refused: test has not sent its node type/],
  ] as const) {
    const { events, say, sent } = talk();
    say(...said, accepts);
    assert.equal(sent.at(-1), bye);
    assert.match(events.at(-1) as string, what);
    assert.ok(!events.includes("welcomed"));
    say("024200");
    assert.equal(sent.at(-1), "021a00", "NotMine: there is no relation");
  }
});

test("what an existing manager leaves unanswered is given up, and a status sent again", () => {
  const { check, events, one, say, sent } = talk();
  say(isManager, accepts);
  one.ping();
  one.started({ job: "j-1", stage: 0, task: 0, attempt: 1 });
  const status = sent.at(-1) as string;
  assert.match(status, /^..72/);
  check(10_000);
  assert.equal(sent.at(-1), status);
  assert.equal(sent.filter((hex) => hex === status).length, 2);
  assert.ok(!events.some((event) => event.startsWith("lost")));
  // Whatever it sends is a sign of life.
  const before = events.filter((event) => event === "heard").length;
  say("024200");
  assert.equal(events.filter((event) => event === "heard").length, before + 1);
});
