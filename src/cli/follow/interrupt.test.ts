/** What the keys after Ctrl-C do. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Screen } from "../screen.ts";
import { onInterrupt } from "./interrupt.ts";

/** What a user does by Ctrl-C and these bytes, which the terminal gives at once. */
function pressed(t: TestContext, bytes: string): string[] {
  const done: string[] = [];
  const { stdin } = process;
  const were = ["isTTY", "setRawMode"].map((name) => {
    return [name, Object.getOwnPropertyDescriptor(stdin, name)] as const;
  });
  Object.defineProperty(stdin, "isTTY", { configurable: true, value: true });
  Object.defineProperty(stdin, "setRawMode", { configurable: true, value: () => stdin });
  const screen = { live: true, print: () => {} } as unknown as Screen;
  const actions = { cancel: () => done.push("cancel"), detach: () => done.push("detach") };
  const remove = onInterrupt(actions, { screen, detachable: true });
  t.after(() => {
    remove();
    for (const [name, was] of were) {
      if (was === undefined) Reflect.deleteProperty(stdin, name);
      else Object.defineProperty(stdin, name, was);
    }
  });
  process.emit("SIGINT");
  stdin.emit("data", Buffer.from(bytes));
  return done;
}

for (const [bytes, does] of [
  ["c", ["cancel"]],
  ["C\r", ["cancel"]],
  ["d\r\n", ["detach"]],
  ["\x03", ["detach"]],
  ["x", []],
  ["\x1b[C", []],
] as const) {
  test(`Ctrl-C and ${JSON.stringify(bytes)}: ${does[0] ?? "the job is followed on"}`, (t) => {
    assert.deepEqual(pressed(t, bytes), does);
  });
}
