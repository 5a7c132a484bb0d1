/** Which coordinators stand by: each of them renews its line of a small file that all share.
 *
 *  A hint for people and clients. Two that write at the same moment may lose a line, which its
 *  coordinator writes again a moment later. */
import type { Engine } from "../../engine/engine.ts";
import type { Timers } from "../loop/timers.ts";

export type StandbysOptions = {
  readonly engine: Pick<Engine, "keep" | "kept">;
  readonly timers: Pick<Timers, "after" | "monotonicMs" | "wallMs">;
  /** Id of this node. */
  readonly self: string;
  /** Where others reach it. */
  readonly url: string;
  /** The list has changed; while this one leads. */
  readonly onChange: (urls: readonly string[]) => void;
};

type Line = { readonly url: string; readonly beat: number };
type Seen = Line & { readonly changedAtMs: number; readonly isAlive: boolean };

const fileName = "standbys.json";
const lookMs = 1_000;
/** A line that has not changed for so long is of a coordinator that is gone, ms. */
const goneMs = 5_000;
/** Between two looks at the list by who waits for someone, ms. */
const listMs = 100;
const linesMax = 16;

export class Standbys {
  readonly #options: StandbysOptions;
  readonly #seen = new Map<string, Seen>();
  #beat: number;
  #leads = false;
  #printed = "";
  #isStopped = false;
  #cancelTimer = () => {};
  #turn: Promise<void>;

  constructor(options: StandbysOptions) {
    this.#options = options;
    this.#beat = Math.floor(options.timers.wallMs());
    this.#turn = this.#look();
  }

  /** Addresses of those that stand by now, this one not among them. */
  list(): readonly string[] {
    const nowMs = this.#options.timers.monotonicMs();
    return [...this.#seen.values()]
      .filter(({ changedAtMs, isAlive }) => isAlive && nowMs - changedAtMs < goneMs)
      .map(({ url }) => url);
  }

  /** Whether one stands by: `true` as soon as one is seen, `false` after `goneMs`. A coordinator
   *  that began to stand by a moment ago is in the list after two of its looks. */
  async someone(): Promise<boolean> {
    const { timers } = this.#options;
    const endMs = timers.monotonicMs() + goneMs;
    while (this.list().length === 0) {
      if (this.#isStopped || timers.monotonicMs() >= endMs) return false;
      await new Promise<void>((resolve) => timers.after(listMs, resolve));
    }
    return true;
  }

  /** This one stands by no longer. */
  leads(): void {
    this.#leads = true;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimer();
    await this.#turn;
  }

  async #look(): Promise<void> {
    // The engine may be away; the next look shows it.
    await this.#exchange().catch(() => {});
    if (this.#isStopped) return;
    this.#cancelTimer = this.#options.timers.after(lookMs, () => {
      this.#turn = this.#look();
    });
  }

  async #exchange(): Promise<void> {
    const { engine, onChange, self, url } = this.#options;
    const lines = linesOf(await engine.kept(fileName));
    this.#see(lines);
    if (!this.#leads) {
      this.#beat += 1;
      const others = [...lines].filter(([id]) => id !== self && this.#isNew(id));
      const kept = [...others.slice(0, linesMax - 1), [self, { url, beat: this.#beat }]];
      await engine.keep(fileName, JSON.stringify(Object.fromEntries(kept)), { replaces: true });
      return;
    }
    const now = this.list();
    const text = now.join();
    if (text === this.#printed) return;
    this.#printed = text;
    onChange(now);
  }

  #see(lines: ReadonlyMap<string, Line>): void {
    const { self, timers } = this.#options;
    const changedAtMs = timers.monotonicMs();
    for (const id of this.#seen.keys()) if (!lines.has(id)) this.#seen.delete(id);
    for (const [id, line] of lines) {
      const before = this.#seen.get(id);
      if (id === self || before?.beat === line.beat) continue;
      // What an earlier run left is not renewed.
      this.#seen.set(id, { ...line, changedAtMs, isAlive: before !== undefined });
    }
  }

  #isNew(id: string): boolean {
    const { changedAtMs } = this.#seen.get(id) ?? { changedAtMs: -Infinity };
    return this.#options.timers.monotonicMs() - changedAtMs < goneMs;
  }
}

function linesOf(text: string | null): ReadonlyMap<string, Line> {
  const lines = new Map<string, Line>();
  try {
    for (const [id, line] of Object.entries(JSON.parse(text ?? "{}")).slice(0, linesMax)) {
      const { beat, url } = line as Partial<Line>;
      if (typeof url === "string" && typeof beat === "number") lines.set(id, { url, beat });
    }
  } catch {
    // Cut short: written again a moment later.
  }
  return lines;
}
