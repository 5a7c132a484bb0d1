/** Workers of this machine, and of others by ssh: each is a process of ours whose input we hold
 *  open. When this process ends, however it does, they leave. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import { quoted } from "../paste.ts";
import type { Scheduler, Unit, WorkerTerms } from "./scheduler.ts";
import { attachedScript, workerLine } from "./worker-line.ts";

/** What runs a shell's script at one place: this machine, or a host. */
export type Place = {
  readonly name: string;
  /** Workers at a time. */
  readonly max: number;
  command(script: string): readonly [program: string, ...args: string[]];
};

type Member = Omit<Unit, "state"> & { readonly place: Place; readonly child: ChildProcess };

/** Time for the shell to exit once its worker has left, ms. */
const endMs = 2_000;

export class AttachedWorkers implements Scheduler {
  readonly #terms: WorkerTerms;
  readonly #places: readonly Place[];
  readonly #print: (line: string) => void;
  readonly #members = new Set<Member>();
  /** By place, when the last of its workers ended by itself, and how many have in a row. */
  readonly #failures = new Map<Place, { readonly count: number; readonly notBeforeMs: number }>();
  #next = 1;

  constructor(
    terms: WorkerTerms,
    places: readonly Place[],
    print: (line: string) => void = () => {},
  ) {
    this.#terms = terms;
    this.#places = places;
    this.#print = print;
  }

  script(count: number): string {
    const line = workerLine(this.#terms, "NAME");
    const places = this.#places.map(({ max, name }) => `${name} (at most ${max})`).join(", ");
    const [first] = this.#places;
    const command = (first?.command("SCRIPT") ?? []).join(" ");
    return [
      `# ${count} of these, at ${places}; the token is the first line of its input`,
      `${command} <<'SCRIPT'`,
      attachedScript(line),
      "SCRIPT",
    ].join("\n");
  }

  async units(): Promise<readonly Unit[]> {
    return [...this.#members].map(({ child, id, worker }) => ({
      id,
      worker,
      state: child.stdin?.writableEnded === true ? "leaving" : "running",
    }));
  }

  async start(count: number): Promise<number> {
    for (let started = 0; started < count; started++) {
      const place = this.#freest();
      if (place === null) return started;
      this.#startAt(place);
    }
    return count;
  }

  /** The place with the fewest workers that may have one more now. */
  #freest(): Place | null {
    const at = (place: Place) =>
      [...this.#members].filter((member) => member.place === place).length;
    const nowMs = performance.now();
    const able = this.#places.filter((place) => {
      const waits = (this.#failures.get(place)?.notBeforeMs ?? 0) > nowMs;
      return !waits && at(place) < place.max;
    });
    return able.toSorted((a, b) => at(a) - at(b))[0] ?? null;
  }

  #startAt(place: Place): void {
    const id = `${process.pid}-${this.#next++}`;
    const worker = `${place.name}-${id}`;
    const script = attachedScript(workerLine(this.#terms, worker));
    const [program, ...args] = place.command(script);
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    const member: Member = { id, worker, place, child };
    this.#members.add(member);
    const startedAtMs = performance.now();
    let last = "";
    const heard = (chunk: Buffer) => {
      last = chunk.toString("utf8").trim().split("\n").at(-1)?.slice(0, 200) || last;
    };
    child.stdout?.on("data", heard);
    child.stderr?.on("data", heard);
    // An input that is closed early is the end of the child, which is seen below.
    child.stdin?.on("error", () => {});
    child.stdin?.write(`${this.#terms.token}\n`);
    const ended = (why: string) => {
      if (!this.#members.delete(member)) return;
      const wasAsked = child.stdin?.writableEnded === true;
      if (wasAsked) return;
      this.#failed(place, performance.now() - startedAtMs);
      this.#print(`${worker} ended (${why})${last === "" ? "" : `: ${last}`}`);
    };
    child.once("error", (error) => ended(error.message));
    child.once("exit", (code, signal) => ended(signal ?? `exit code ${code}`));
  }

  /** One that ended soon is not started again at once: it would end again. */
  #failed(place: Place, livedMs: number): void {
    const before = livedMs > 60_000 ? 0 : (this.#failures.get(place)?.count ?? 0);
    const waitMs = before === 0 ? 0 : Math.min(300_000, 1_000 * 2 ** before);
    this.#failures.set(place, { count: before + 1, notBeforeMs: performance.now() + waitMs });
  }

  async end(units: readonly Unit[]): Promise<void> {
    const ids = new Set(units.map(({ id }) => id));
    for (const { child, id } of this.#members) if (ids.has(id)) child.stdin?.end();
  }

  async close(graceMs: number): Promise<void> {
    const members = [...this.#members];
    const ends = members.map(({ child }) =>
      child.exitCode === null && child.signalCode === null ? once(child, "exit") : null,
    );
    for (const { child } of members) child.stdin?.end();
    const stop = new AbortController();
    const grace = delay(graceMs + endMs, null, { signal: stop.signal }).catch(() => {});
    await Promise.race([Promise.all(ends), grace]);
    stop.abort();
    for (const { child } of members) child.kill("SIGKILL");
  }
}

export function localPlace(max: number): Place {
  return { name: "local", max, command: (script) => ["sh", "-c", script] };
}

/** `host`, or `user@host`, each with at most `max` workers. `options`: more words for ssh. */
export function sshPlace(host: string, max: number, options: readonly string[]): Place {
  // A host that begins with a dash would be an option.
  if (!/^[a-z0-9_][\w.@:-]*$/i.test(host)) {
    throw new ClusterError("bad-request", `"${host}" is not a host for ssh; write user@host`);
  }
  return {
    name: host.replace(/^.*@/, ""),
    max,
    command: (script) => [
      "ssh",
      ...["-o", "BatchMode=yes", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"],
      ...options,
      "--",
      host,
      // Its user's own shell may be another.
      `sh -c ${quoted(script)}`,
    ],
  };
}
