/** What a job logs is printed once, also when the connection breaks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterError, type ErrorCode } from "../../core/error.ts";
import type { LogLine } from "../../wire/api/messages.ts";
import { printLogs } from "./logs.ts";

const line = (text: string) => ({ task: 0, attempt: 1, line: text }) as unknown as LogLine;

/** A log of three lines, read over connections that each break after so many. */
async function printed(...breaks: Array<[lines: number, code: ErrorCode]>): Promise<string[]> {
  const lines: string[] = [];
  const logs = async function* (): AsyncGenerator<LogLine, void> {
    const [count, code] = breaks.shift() ?? [3, null];
    for (const text of ["a", "b", "c"].slice(0, count)) yield line(text);
    if (code !== null) throw new ClusterError(code, "the connection broke");
  };
  const screen = { print: (text: string) => lines.push(text) };
  const signal = new AbortController().signal;
  await printLogs({ logs } as never, "j-1", { screen, signal, againMs: 1 } as never);
  return lines;
}

test("a log goes on after a break in the connection, without a line twice", async () => {
  const whole = ["0 | a", "0 | b", "0 | c"];
  assert.deepEqual(await printed(), whole);
  assert.deepEqual(await printed([2, "unavailable"]), whole);
  assert.deepEqual(await printed([1, "unavailable"], [0, "unavailable"]), whole);
});

test("a log that may not be read says so, one of a removed job ends in silence", async () => {
  const refused = await printed([1, "forbidden"]);
  assert.deepEqual(refused, ["0 | a", "logs end here: forbidden: the connection broke"]);
  assert.deepEqual(await printed([1, "not-found"]), ["0 | a"]);
});
