/** Goes on under another Node: the child's output, signals and exit code become ours. */
import { spawn } from "node:child_process";
import process from "node:process";
import { withNodeFirst } from "./install.js";

export function runUnder(node, args) {
  const child = spawn(node, args, { stdio: "inherit", env: withNodeFirst(node) });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    // A terminal sends Ctrl-C to the child as well; twice would mean "at once" to many programs.
    process.on(signal, () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on("error", (error) => {
    process.stderr.write(`cannot start ${node}: ${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
