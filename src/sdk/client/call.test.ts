/** Lines of answers, as both transports read them. */
import assert from "node:assert/strict";
import test from "node:test";
import { ClusterError } from "../../core/error.ts";
import { answerLines } from "./call.ts";

async function* pieces(...texts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield typeof text === "string" ? Buffer.from(text) : text;
}

async function* repeated(text: string, count: number): AsyncGenerator<Uint8Array> {
  for (let n = 0; n < count; n++) yield Buffer.from(text);
  yield Buffer.from("\n");
}

async function linesOf(chunks: AsyncIterable<Uint8Array>, max = 1_000): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of answerLines({ path: "/v1/jobs" }, chunks, max)) lines.push(line);
  return lines;
}

test("lines come whole, however they are cut; what has no newline is no line", async () => {
  const [first, second] = [Buffer.from("é").subarray(0, 1), Buffer.from("é").subarray(1)];
  const chunks = pieces("a", "b\n\nc\r\n", first, second, "\nd\ne", "f\ng");
  assert.deepEqual(await linesOf(chunks), ["ab", "c\r", "é", "d", "ef"]);
});

test("a line without an end is refused at its limit", async () => {
  await assert.rejects(linesOf(repeated("x".repeat(100), 11)), (error: ClusterError) => {
    assert.ok(error instanceof ClusterError && error.code === "limit-exceeded");
    assert.match(error.message, /a line of \/v1\/jobs is over 1000 characters/);
    return true;
  });
  assert.equal((await linesOf(repeated("x".repeat(100), 10))).length, 1);
});

test("a long line costs its length, not the square of it", async () => {
  const piece = "x".repeat(1024);
  const before = process.cpuUsage();
  const lines = await linesOf(repeated(piece, 12_000), 64 * 1024 * 1024);
  const { system, user } = process.cpuUsage(before);
  assert.deepEqual(
    lines.map((line) => line.length),
    [12_000 * 1024],
  );
  // About 50 ms; to look at the whole line with each piece takes 20 s.
  assert.ok(system + user < 3_000_000, `${system + user} µs of the processor`);
});
