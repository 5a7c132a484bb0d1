/** Starts `writer.ts` and reads what it prints, line by line. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { SqliteLogOptions } from "../sqlite.ts";

/** A writer that is silent for longer is killed, so that the test fails and does not hang. */
const answerMaxMs = 20_000;

export type Writer = {
  readonly process: ChildProcessWithoutNullStreams;
  say(command: string): void;
  /** The next printed line; "" at the end. */
  nextLine(): Promise<string>;
  /** Kills it and waits; resolves with the lines that were not read yet. */
  kill(): Promise<string[]>;
};

/** `shell` is put before the command, such as a limit that only this process shall have. */
export function startWriter(path: string, options: SqliteLogOptions = {}, shell = "exec"): Writer {
  const script = join(import.meta.dirname, "writer.ts");
  const args = [process.execPath, script, path, JSON.stringify(options)];
  const child = spawn("sh", ["-c", `${shell} "$@"`, "sh", ...args]);
  child.stderr.pipe(process.stderr);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = once(child, "close");
  const nextLine = async (): Promise<string> => {
    const timer = setTimeout(() => child.kill("SIGKILL"), answerMaxMs);
    const next = await lines.next();
    clearTimeout(timer);
    return next.done === true ? "" : next.value;
  };
  return {
    process: child,
    say: (command) => void child.stdin.write(`${command}\n`),
    nextLine,
    async kill() {
      child.kill("SIGKILL");
      const rest: string[] = [];
      for (let line = await nextLine(); line !== ""; line = await nextLine()) rest.push(line);
      await exited;
      return rest;
    },
  };
}
