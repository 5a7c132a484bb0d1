/** Commands at a real terminal (a pty), by `script` of util-linux: what they draw there, and keys
 *  pressed, as a user sees and presses them. */
import { spawnSync } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import type { Place, Running } from "../fixtures/place.ts";

const version = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout ?? "";
/** Why tests that need a terminal are skipped; false = they are not. */
export const skip = version.includes("util-linux")
  ? false
  : "no `script` of util-linux here, which gives a command a terminal";

export const ctrlC = "\x03";
/** Its arguments, quoted, are a line of a shell in the terminal. */
const inTerminal = `line="stty cols $COLUMNS rows 30; exec"
for argument in "$@"; do
  line="$line '$(printf %s "$argument" | sed "s/'/'\\\\\\\\''/g")'"
done
exec script --quiet --return --command "$line" /dev/null`;

export type Terminal = {
  readonly running: Running;
  press(keys: string): void;
  /** Resolves with all that was shown once it has this text; see `Started.said`. */
  shows(text: string): Promise<string>;
};

/** Starts a command in a terminal of 30 rows. */
export function atTerminal(place: Place, args: readonly string[], columns = 100): Terminal {
  const shell = ["env", `COLUMNS=${columns}`, "sh", "-c", inTerminal, "sh"];
  const running = place.startBy(shell, ...args);
  return {
    running,
    press: (keys) => void running.child.stdin?.write(keys),
    shows: async (text) => stripVTControlCharacters(await running.said(text)),
  };
}

/** The text without what moves the cursor and colours it. */
export const plain = stripVTControlCharacters;

/** `tequio up` at a terminal, with all that it has printed when it serves. */
export async function upAtTerminal(place: Place, ...more: string[]) {
  const listen = more.includes("--listen") ? [] : ["--listen", "127.0.0.1:0"];
  const up = atTerminal(place, ["up", ...listen, ...more]);
  return { up, shown: await up.shows("stop: Ctrl-C") };
}

/** The link to the dashboard among what `up` has shown, as a user opens it. */
export function dashboardOf(shown: string): string {
  return /^dashboard +(\S+)/m.exec(shown)?.[1] ?? "";
}
