/** A program that stays while a benchmark asks it for one run after the other, a line each. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export type LineProgram = {
  /** ms of one run, as the program measured it. */
  run(count: number): Promise<number>;
  stop(): Promise<void>;
};

const answerMs = 600_000;

/** Resolves when it is ready. Rejects when it ends before. */
export async function startProgram(file: string, args: readonly string[]): Promise<LineProgram> {
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
  const errors: string[] = [];
  child.stderr.on("data", (chunk) => errors.push(String(chunk)));
  // A broken pipe is the end of the process, which is reported below.
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`${[file, ...args].join(" ")} ended with ${code}\n${errors.join("")}`);
  });
  ended.catch(() => {});
  const answer = async () => {
    const signal = AbortSignal.timeout(answerMs);
    const [line] = await Promise.race([once(lines, "line", { signal }), ended]);
    return JSON.parse(line) as { readonly ms: number };
  };
  await answer();
  return {
    async run(count) {
      child.stdin.write(`${JSON.stringify({ count })}\n`);
      return (await answer()).ms;
    },
    async stop() {
      child.stdin.end();
      await ended.catch(() => {});
    },
  };
}
