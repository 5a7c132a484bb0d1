/** Who stands by, as the one that leads sees it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualTimers } from "../testing/manual-timers.ts";
import { Standbys } from "./standbys.ts";

/** Nodes on one file that all share. */
class Shared {
  readonly timers = new ManualTimers();
  #text: string | null = null;

  node(name: string): Standbys {
    const engine = {
      kept: async () => this.#text,
      keep: async (_: string, text: string) => {
        this.#text = text;
        return text;
      },
    };
    const own = { self: name, url: `http://${name}`, onChange: () => {} };
    return new Standbys({ engine, timers: this.timers, ...own });
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      this.timers.pass(100);
      await this.timers.settle();
    }
  }
}

test("a coordinator that began to stand by a moment ago is waited for", async () => {
  const shared = new Shared();
  const leader = shared.node("leader");
  leader.leads();
  await shared.pass(3_000);
  shared.node("beside");
  await shared.timers.settle();
  assert.deepEqual(leader.list(), [], "a line may be of an earlier run until it changes");
  const found = leader.someone();
  await shared.pass(3_000);
  assert.equal(await found, true);
  assert.deepEqual(leader.list(), ["http://beside"]);
});

test("one that ends is not counted on, and every wait has an end", async () => {
  const shared = new Shared();
  const leader = shared.node("leader");
  leader.leads();
  const beside = shared.node("beside");
  await shared.pass(3_000);
  assert.equal(await leader.someone(), true);
  await beside.stop();
  await shared.pass(6_000);
  assert.deepEqual(leader.list(), []);
  const found = leader.someone();
  await shared.pass(6_000);
  assert.equal(await found, false);
});
