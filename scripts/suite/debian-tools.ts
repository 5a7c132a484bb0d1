/** Programs of Debian that tests use: a browser, and what independent peers are written with. Where
 *  one is missing and this is a Debian that we may change (root, as in a container), it is
 *  installed; elsewhere a message names what to install, and the tests that need it are skipped. */
import { spawnSync } from "node:child_process";
import { pythonWith } from "../../test/python/find.ts";
import { findChromium } from "../../test/simulation/chromium.ts";

export type Tool = {
  /** Of Debian. */
  readonly packages: readonly string[];
  readonly tests: string;
  isThere(): boolean;
};

export const chromium: Tool = {
  packages: ["chromium"],
  tests: "the web page and tabs",
  isThere: () => findChromium() !== null,
};

const allTools: readonly Tool[] = [
  chromium,
  ofPython("python3-zmq", "zmq", "the filesystem protocol"),
  ofPython("python3-websockets", "websockets", "the browser protocol"),
  ofPython("python3-websocket", "websocket", "the manager protocol"),
  ofPython("python3-protobuf", "google.protobuf", "the manager protocol"),
  ofPython("python3-grpcio", "grpc", "P4's data channel"),
  ofProgram("protobuf-compiler", "protoc", "the manager protocol"),
  ofProgram("bubblewrap", "bwrap", "the sandbox of bubblewrap"),
];

/** Longest that apt may take, ms. */
const aptMs = 240_000;

export function ensureTools(tools: readonly Tool[] = allTools): void {
  const missing = tools.filter((tool) => !tool.isThere());
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && apt("--version")) {
    say(`installing for tests, by apt-get: ${packagesOf(missing).join(" ")}`);
    apt("update");
    const install = ["install", "--yes", "--no-install-recommends"];
    // One that cannot be had must not keep the others away.
    if (!apt(...install, ...packagesOf(missing))) {
      for (const { packages } of missing) apt(...install, ...packages);
    }
  }
  for (const { isThere, packages, tests } of missing) {
    if (isThere()) continue;
    say(`skipped: tests of ${tests}. Install (Debian): apt install ${packages.join(" ")}`);
  }
}

function ofProgram(name: string, program: string, tests: string): Tool {
  return {
    packages: [name],
    tests,
    isThere: () => spawnSync(program, ["--version"]).status === 0,
  };
}

function ofPython(name: string, module: string, tests: string): Tool {
  return {
    packages: ["python3", name],
    tests: `${tests} with an independent peer`,
    isThere: () => pythonWith(module) !== null,
  };
}

function packagesOf(tools: readonly Tool[]): string[] {
  return [...new Set(tools.flatMap(({ packages }) => packages))];
}

function apt(...args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return spawnSync("apt-get", args, { stdio: "ignore", timeout: aptMs, env }).status === 0;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
