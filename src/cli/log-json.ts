/** Log lines for programs that collect them: what a server prints on standard error, as JSON. */
import type { Command } from "commander";

export function withLogJson(command: Command): Command {
  return command.option("--log-json", "print log lines (standard error) as JSON, one a line");
}

export type LogLine = {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly command: string;
  readonly pid: number;
  readonly text: string;
};

/** From now on, for this process. */
export function logAsJson(command: string): void {
  console.error = (...parts: readonly unknown[]) => {
    const line: LogLine = {
      time: new Date().toISOString(),
      command,
      pid: process.pid,
      text: parts.map(String).join(" "),
    };
    process.stderr.write(`${JSON.stringify(line)}\n`);
  };
}
