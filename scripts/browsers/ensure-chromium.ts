/** A Chromium for tests that need a tab. Where it is missing and this is a Debian that we may
 *  change (root, as in a container), it is installed; elsewhere a message names what to install. */
import { spawnSync } from "node:child_process";
import { findChromium } from "../../test/simulation/chromium.ts";

/** Longest that apt may take, ms. */
const aptMs = 240_000;

export function ensureChromium(): void {
  if (findChromium() !== null) return;
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const isRoot = process.getuid?.() === 0;
  if (isRoot && apt("--version")) {
    say("no Chromium here: installing it by apt-get, for tests of the web page");
    apt("update");
    apt("install", "--yes", "--no-install-recommends", "chromium");
    if (findChromium() !== null) return;
  }
  say(
    "no Chromium: tests that need a browser are skipped. Install one " +
      "(Debian: apt install chromium) or set CHROMIUM to its path",
  );
}

function apt(...args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return spawnSync("apt-get", args, { stdio: "ignore", timeout: aptMs, env }).status === 0;
}
