/** The addresses of the coordinators of one cluster, of which one leads, and which of them is used
 *  now.
 *
 *  1. One is used until another one answers that it leads: a coordinator that does not lead refuses
 *     the call by which it is asked.
 *  2. Addresses that coordinators name are learned, where they may be, but none with less
 *     protection than the address that named it.
 *  3. A single address is used without asking. */
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import { ask, inBackground } from "./ask-coordinator.ts";
import { knownMax } from "./asked.ts";

export type CoordinatorsOptions = {
  /** One address, or several with commas between them: `https://a:7070,https://b:7070`. */
  readonly urls: string;
  /** SHA-256 of the certificate that all of them have; "" = none pinned. */
  readonly fingerprint: string;
  /** Between two looks whether another one leads, while that is watched, ms. Default 1,000. */
  readonly lookMs?: number;
  /** Whether addresses are learned. Default: yes. */
  readonly learns?: boolean;
};

/** Between two questions while none leads, ms. */
const againMs = 200;
/** Between two questions for others while one is known, of a cluster that may get more, ms. */
const relearnMs = 30_000;

export class Coordinators {
  readonly #fingerprint: string;
  readonly #lookMs: number;
  readonly #learns: boolean;
  readonly #known: string[];
  #url: string;
  /** Its log lies in an engine: coordinators may be added. */
  #mayGrow = false;
  #moved = new AbortController();
  #watches = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #finding: Promise<string | null> | null = null;

  constructor({ fingerprint, learns = true, lookMs = 1_000, urls }: CoordinatorsOptions) {
    this.#fingerprint = fingerprint;
    this.#learns = learns;
    this.#lookMs = lookMs;
    this.#known = urls.split(",").slice(0, knownMax);
    this.#url = this.#known[0] as string;
  }

  /** The one that is used now. */
  get url(): string {
    return this.#url;
  }

  get all(): readonly string[] {
    return this.#known;
  }

  get areSeveral(): boolean {
    return this.#known.length > 1;
  }

  /** Aborted with `unavailable` when another one is used; then there is a new signal. */
  get moved(): AbortSignal {
    return this.#moved.signal;
  }

  /** Looks whether another one leads until the returned function is called: a connection to one
   *  that is stopped does not end by itself. */
  watch(): () => void {
    this.#watches += 1;
    this.#arm();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#watches -= 1;
      if (this.#watches === 0) this.#disarm();
    };
  }

  /** Asks all which one leads, and uses that one; null = none answered so. */
  find(): Promise<string | null> {
    this.#finding ??= this.#find().finally(() => {
      this.#finding = null;
    });
    return this.#finding;
  }

  /** Asks until one leads; null after `limitMs`. */
  async findWithin(limitMs: number, signal?: AbortSignal): Promise<string | null> {
    const untilMs = performance.now() + limitMs;
    for (;;) {
      const url = await this.find();
      if (url !== null || performance.now() + againMs > untilMs) return url;
      await delay(againMs, null, signal === undefined ? {} : { signal });
    }
  }

  /** Takes addresses that the coordinator at `from` has named. */
  learn(from: string, named: readonly unknown[]): void {
    for (const text of this.#learns ? named : []) {
      const url = typeof text === "string" ? URL.parse(text) : null;
      if (url === null || url.protocol !== new URL(from).protocol) continue;
      if (this.#known.length >= knownMax || this.#known.includes(url.origin)) continue;
      this.#known.push(url.origin);
    }
    if (this.#watches > 0) this.#arm();
  }

  async #find(): Promise<string | null> {
    for (let asked = 0; asked < this.#known.length; ) {
      const next = this.#known.slice(asked);
      asked = this.#known.length;
      const url = await this.#firstThatLeads(next);
      if (url === null) continue;
      this.#use(url);
      return url;
    }
    return null;
  }

  async #firstThatLeads(urls: readonly string[]): Promise<string | null> {
    const over = new AbortController();
    const asked = urls.map(async (url) => {
      const { leads, mayGrow, named } = await ask(url, this.#fingerprint, over.signal);
      this.#mayGrow ||= mayGrow;
      this.learn(url, named);
      if (!leads) throw new Error("it does not lead");
      return url;
    });
    const url = await Promise.any(asked).catch(() => null);
    over.abort();
    return url;
  }

  #use(url: string): void {
    if (url === this.#url) return;
    this.#url = url;
    const before = this.#moved;
    this.#moved = new AbortController();
    before.abort(new ClusterError("unavailable", `now the coordinator at ${url} leads; retry`));
  }

  #arm(): void {
    if (this.#timer !== undefined || !(this.areSeveral || this.#mayGrow)) return;
    const ms = this.areSeveral ? this.#lookMs : relearnMs;
    this.#timer = inBackground(() => void this.#look(), ms);
  }

  async #look(): Promise<void> {
    const others = this.#known.filter((url) => url !== this.#url);
    const url = await this.#firstThatLeads(others.length === 0 ? [this.#url] : others);
    if (url !== null) this.#use(url);
    this.#disarm();
    if (this.#watches > 0) this.#arm();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
