/** Commands of schedulers: run to their end, within a time. */
import { spawn } from "node:child_process";
import { ClusterError } from "../../core/error.ts";

/** Longest that a scheduler may take to answer, ms. */
const answerMs = 60_000;
const outputMaxBytes = 16 * 1024 * 1024;

export type RunOptions = {
  /** For its standard input. */
  readonly input?: string;
  /** Besides the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
};

export type Ran = (
  command: readonly [string, ...string[]],
  options?: RunOptions,
) => Promise<string>;

/** Its standard output. Throws `unavailable` with its last words when it fails or takes too
 *  long. */
export const ran: Ran = ([program, ...args], { env = {}, input = "" } = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
      timeout: answerMs,
    });
    const [out, err] = [[] as Buffer[], [] as Buffer[]];
    let sizeBytes = 0;
    const collect = (into: Buffer[]) => (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes <= outputMaxBytes) into.push(chunk);
      else child.kill();
    };
    child.stdout.on("data", collect(out));
    child.stderr.on("data", collect(err));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const failed = (why: string) => {
      const said = Buffer.concat(err).toString("utf8").trim().split("\n").at(-1) ?? "";
      const text = `${program} failed (${why})${said === "" ? "" : `: ${said.slice(0, 300)}`}`;
      reject(new ClusterError("unavailable", text));
    };
    child.once("error", (error: NodeJS.ErrnoException) =>
      failed(error.code === "ENOENT" ? "it is not installed on this machine" : error.message),
    );
    child.once("close", (code, signal) => {
      if (code === 0) resolve(Buffer.concat(out).toString("utf8"));
      else failed(signal ?? `exit code ${code}`);
    });
  });
