/** Python's ZeroMQ for tests of the filesystem protocol. Where it is missing and this is a Debian
 *  that we may change (root, as in a container), it is installed; elsewhere a message names what to
 *  install. */
import { spawnSync } from "node:child_process";
import { pythonWith } from "../../test/python/find.ts";

/** Longest that apt may take, ms. */
const aptMs = 240_000;

export function ensurePythonZeromq(): void {
  if (pythonWith("zmq") !== null) return;
  const print = (line: string) => void process.stderr.write(`${line}\n`);
  if (process.getuid?.() === 0 && apt("--version")) {
    print("no pyzmq here: installing python3-zmq by apt-get, for tests of the filesystem protocol");
    apt("update");
    apt("install", "--yes", "--no-install-recommends", "python3", "python3-zmq");
    if (pythonWith("zmq") !== null) return;
  }
  print(
    "no pyzmq: tests with an independent peer of the filesystem protocol are skipped. Install it " +
      "(Debian: apt install python3-zmq)",
  );
}

function apt(...args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return spawnSync("apt-get", args, { stdio: "ignore", timeout: aptMs, env }).status === 0;
}
