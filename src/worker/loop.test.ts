/** The loop of a worker, with links in memory and a clock that stands still. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultRules } from "../core/worker.ts";
import type { Link } from "../link/link.ts";
import { memoryLinkPair } from "../link/memory.ts";
import { ManagerSession } from "../wire/manager/session.ts";
import type { Executor } from "./executor.ts";
import { WorkerLoop } from "./loop.ts";

const idle: Executor = {
  openJob() {},
  closeJob() {},
  setSources() {},
  serving: () => [],
  start() {},
  kill() {},
  handOver: () => () => {},
};

/** Where the worker of one link says that others reach it. */
function addressOver(link: Link): Promise<string> {
  const session = new ManagerSession({ role: "manager" });
  return new Promise((resolve) => {
    link.onFrame((frame) => {
      for (const { message } of session.receive(frame)) {
        if (message.kind === "managerRequest") resolve(message.node?.exchangeUrl ?? "");
      }
    });
  });
}

test("N2: a worker that moves to another network states its new address", async () => {
  const addresses = ["grpc://10.0.0.1:9", "grpc://192.168.7.3:9"];
  const stated: Array<Promise<string>> = [];
  const links: Link[] = [];
  const wakes: Array<() => void> = [];
  let nowMs = 0;
  const loop = new WorkerLoop({
    rules: { ...defaultRules, slots: 1 },
    timers: {
      wallMs: () => nowMs,
      monotonicMs: () => nowMs,
      after(delayMs, fire) {
        wakes.push(() => {
          nowMs += delayMs;
          fire();
        });
        return () => wakes.splice(0);
      },
    },
    chance: () => 0,
    dial: async () => {
      const [near, far] = memoryLinkPair();
      stated.push(addressOver(far));
      links.push(far);
      return near;
    },
    specs: () => ({
      name: "laptop",
      host: "h",
      slots: 1,
      memoryBytes: 1,
      kinds: [],
      python: null,
      exchangeUrl: addresses[links.length - 1] ?? "",
      version: "",
      session: "s",
    }),
    executor: () => idle,
  });
  loop.start();
  assert.equal(await stated[0], addresses[0]);
  links[0]?.close("the network is gone");
  while (stated.length < 2) {
    wakes.shift()?.();
    await new Promise(setImmediate);
  }
  assert.equal(await stated[1], addresses[1]);
});
