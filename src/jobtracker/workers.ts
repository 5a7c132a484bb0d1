/** Existing workers that our tracker may give tasks to: those that the user names, and if asked for
 *  those that answer by UDP or are registered. */
import { ClusterError } from "../core/error.ts";
import type { Listen } from "../link/listen.ts";
import { askOnce } from "../link/zeromq/request.ts";
import { type AskOptions, askAround } from "../peer/discovery.ts";
import { decodeMessage, encodeMessage } from "../wire/filesystem/codec.ts";
import { addressOf, asList, listField } from "../wire/filesystem/fields.ts";
import { requestBytesMax } from "../wire/filesystem/limits.ts";

export type WorkersOptions = {
  readonly named: readonly Listen[];
  /** Where the question goes; null = it is not sent. */
  readonly ask: Pick<AskOptions, "hosts" | "port"> | null;
  /** Null = none is asked. */
  readonly register: Listen | null;
  /** Our own worker, which answers, too. */
  readonly own: () => Listen;
  readonly refuse: (host: string) => string | null;
};

/** Room of a worker for tasks, as it says itself. */
export type RoomyWorker = { readonly at: Listen; readonly room: number };

const quietMs = 500;
const statusMs = 8_000;
const asking = { timeoutMs: statusMs, answerMaxBytes: requestBytesMax };

/** How long one that did not answer is left alone, ms. */
const silentForMs = 30_000;

export class Workers {
  readonly #options: WorkersOptions;
  /** Until when, by address. */
  readonly #silent = new Map<string, number>();

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  /** Those that answer STATUS now and have room, our own first. */
  async roomy(): Promise<RoomyWorker[]> {
    const own = this.#options.own();
    const { named } = this.#options;
    const found = [...named, ...(await asked(this.#options)), ...(await registered(this.#options))];
    const others = found.filter((at) => !isSame(at, own) && !this.#isSilent(at));
    const once = others.filter((at, index) => index === others.findIndex((o) => isSame(o, at)));
    const rooms = await Promise.all([own, ...once].map((at) => this.#roomOf(at)));
    return rooms.filter((worker) => worker !== null && worker.room > 0) as RoomyWorker[];
  }

  #isSilent({ host, port }: Listen): boolean {
    return (this.#silent.get(`${host} ${port}`) ?? 0) > performance.now();
  }

  async #roomOf(at: Listen): Promise<RoomyWorker | null> {
    try {
      const answer = decodeMessage(await askOnce(at, encodeMessage("STATUS", {}), asking));
      const room = answer.payload.get("current_task_cap");
      if (answer.name !== "OK" || typeof room !== "bigint") return null;
      return { at, room: Number(room) };
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      this.#silent.set(`${at.host} ${at.port}`, performance.now() + silentForMs);
      return null;
    }
  }
}

export function isSame(a: Listen, b: Listen): boolean {
  return a.host === b.host && a.port === b.port;
}

async function asked({ ask, refuse }: WorkersOptions): Promise<Listen[]> {
  if (ask === null) return [];
  const found = await askAround({ ...ask, quietMs }).catch(() => []);
  return found.filter(({ host }) => refuse(host) === null);
}

async function registered({ refuse, register }: WorkersOptions): Promise<Listen[]> {
  if (register === null) return [];
  try {
    const answer = decodeMessage(await askOnce(register, encodeMessage("WORKERS", {}), asking));
    const pairs = listField(answer, "workers");
    const places = pairs.map((pair) => addressOf(answer, "workers", (asList(pair) ?? [])[0]));
    return places.filter(({ host }) => refuse(host) === null);
  } catch (error) {
    if (error instanceof ClusterError) return [];
    throw error;
  }
}
