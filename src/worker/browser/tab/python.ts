/** The Python of tabs: fetched from the gateway when the first task in Python arrives, once in the
 *  life of the page; the browser keeps it for the next page. */
import {
  type PythonFiles,
  type PythonIndex,
  pythonIndexPath,
} from "../../../wire/browser/python-index.ts";
import { Unreadable } from "./unreadable.ts";

/** Nothing comes for so long: it is given up, ms. */
const silenceMaxMs = 30_000;

/** The answer to a request for a file of Python was not the file. */
export class NotGiven extends Error {
  /** Of HTTP; 404 = there is none. */
  readonly status: number;

  constructor(path: string, status: number) {
    super(`${path}: HTTP ${status}`);
    this.status = status;
  }
}

export class PythonFetcher {
  readonly #origin: string;
  readonly #moved: (bytes: number) => void;
  #fetching: Promise<void> | null = null;
  /** Null until it was fetched. */
  files: PythonFiles | null = null;

  constructor(origin: string, moved: (bytes: number) => void) {
    this.#origin = origin;
    this.#moved = moved;
  }

  /** Throws `Unreadable` when it cannot be had now, caused by `NotGiven` where there was an answer;
   *  the next call tries again. */
  fetch(): Promise<void> {
    this.#fetching ??= this.#fetch().catch((error: unknown) => {
      this.#fetching = null;
      throw new Unreadable(`its gateway does not give it Python (${error})`, { cause: error });
    });
    return this.#fetching;
  }

  async #fetch(): Promise<void> {
    const index = JSON.parse(text(await this.#bytes(pythonIndexPath))) as PythonIndex;
    const file = (name: keyof PythonIndex["files"]) => this.#bytes(index.files[name]);
    const { snapshot: path } = index;
    const [snapshot, loader, engine, wasm, library, own] = await Promise.all([
      // Without it Python starts, too, only later.
      path === undefined ? null : this.#bytes(path).catch(() => null),
      file("loader"),
      file("engine"),
      file("wasm"),
      file("library"),
      file("own"),
    ]);
    this.files = {
      loader: text(loader),
      engine: text(engine),
      wasm,
      library,
      lock: JSON.stringify(index.lock),
      own: JSON.parse(text(own)) as PythonFiles["own"],
      snapshot,
    };
  }

  async #bytes(path: string): Promise<Uint8Array> {
    const stopping = new AbortController();
    let timer = setTimeout(() => stopping.abort(), silenceMaxMs);
    try {
      const answer = await fetch(this.#origin + path, { signal: stopping.signal });
      if (!answer.ok || answer.body === null) throw new NotGiven(path, answer.status);
      const parts: Uint8Array<ArrayBuffer>[] = [];
      // Compressed, as it travels; a proxy may leave the number out.
      const sent = Number(answer.headers.get("content-length") ?? 0);
      this.#moved(sent);
      const reader = answer.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(timer);
        timer = setTimeout(() => stopping.abort(), silenceMaxMs);
        parts.push(value);
        if (sent === 0) this.#moved(value.length);
      }
      return new Uint8Array(await new Blob(parts).arrayBuffer());
    } finally {
      clearTimeout(timer);
    }
  }
}

function text(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}
