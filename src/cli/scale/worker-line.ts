/** The command line of a worker that is started elsewhere, and the shell's script around it. */
import { quoted } from "../paste.ts";
import type { WorkerTerms } from "./scheduler.ts";

/** What follows the program, but for the worker's name and its folder. */
export function joinWords(terms: WorkerTerms): string[] {
  const { drainS, fingerprint, lifetimeS, more, slots, url } = terms;
  const pin = fingerprint === "" ? [] : ["--fingerprint", fingerprint];
  const lifetime = lifetimeS === null ? [] : ["--lifetime", `${lifetimeS}s`];
  const leave = ["--drain", `${drainS}s`, ...lifetime];
  return ["join", url, "--slots", String(slots), ...pin, ...leave, ...more];
}

/** `name`: words of a shell, so that each of an array can have its own. */
export function workerLine(terms: WorkerTerms, name: string): string {
  const words = joinWords(terms).map(quoted).join(" ");
  return `${terms.program} ${words} --name ${name} --data "$dir"`;
}

/** Runs a worker in a directory that is removed after it, and ends as it ends; SIGTERM lets it
 *  leave by itself. A trap ends a wait before the worker ends. It waits before it looks for the
 *  process: a shell may have reaped one that ended at once, and only `wait` still knows how. */
export function heldScript(line: string, before: readonly string[] = []): string {
  return [
    ...before,
    "dir=$(mktemp -d) || exit 1",
    `${line} </dev/null & worker=$!`,
    "trap 'kill -TERM $worker 2>/dev/null' TERM INT HUP",
    ...(before.length === 0 ? [] : [untilInputEnds]),
    "while :; do wait $worker; status=$?; kill -0 $worker 2>/dev/null || break; done",
    'rm -rf "$dir"',
    "exit $status",
  ].join("\n");
}

const untilInputEnds =
  "{ while IFS= read -r _ <&3; do :; done; kill -TERM $worker; } >/dev/null 2>&1 &";

/** The same for as long as its standard input stays open. The token is the first line of the
 *  input, so that it is on no command line. */
export function attachedScript(line: string): string {
  return heldScript(`${line} 3<&-`, [
    "exec 3<&0",
    "IFS= read -r TEQUIO_TOKEN <&3",
    "export TEQUIO_TOKEN",
  ]);
}
