/** Runs the hashes in a stock Firefox, without a driver: a page of this process asks for one
 *  function after the other, and posts what it finds. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";

/** For one function, and for the start. */
const limitMs = 600_000;

const page = `<!doctype html><script src="/code.js"></script><script>
  const say = (path, body) => fetch(path, { method: "POST", body });
  (async () => {
    let found = navigator.userAgent;
    for (;;) {
      const wanted = await (await say("/next", found)).json();
      if (wanted === null) return;
      found = equalBits.hashOf(wanted.name, wanted.count);
    }
  })();
</script>`;

type Wanted = { readonly name: string; readonly count: number };

export class Firefox {
  readonly #server: Server;
  readonly #profile = newFolder("equal-bits-");
  #browser: ChildProcess | null = null;
  /** Resolves with what the page posts next. */
  #found = Promise.withResolvers<string>();
  #wanted = Promise.withResolvers<Wanted | null>();

  private constructor(code: string) {
    this.#server = createServer(async (request, response) => {
      if (request.method === "POST") {
        this.#found.resolve(await bodyOf(request));
        const wanted = await this.#wanted.promise;
        this.#wanted = Promise.withResolvers();
        response.end(JSON.stringify(wanted));
      } else if (request.url === "/code.js") {
        response.setHeader("content-type", "text/javascript").end(code);
      } else response.setHeader("content-type", "text/html").end(page);
    });
  }

  /** Resolves with its name, as "Firefox 140.0". Rejects when it does not start in ten minutes. */
  static async start(path: string, code: string): Promise<{ name: string; firefox: Firefox }> {
    const firefox = new Firefox(code);
    const server = firefox.#server.listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/`;
    const flags = ["--headless", "--no-remote", "--profile", firefox.#profile, url];
    firefox.#browser = spawn(path, flags, { stdio: "ignore" });
    const agent = await firefox.#next();
    return { name: /Firefox\/[\d.]+/.exec(agent)?.[0].replace("/", " ") ?? agent, firefox };
  }

  hashOf(name: string, count: number): Promise<string> {
    this.#wanted.resolve({ name, count });
    return this.#next();
  }

  async close(): Promise<void> {
    this.#wanted.resolve(null);
    const browser = this.#browser;
    if (browser !== null && browser.exitCode === null) {
      const ended = new Promise((resolve) => browser.once("exit", resolve));
      browser.kill();
      await ended;
    }
    this.#server.closeAllConnections();
    this.#server.close();
    removeFolder(this.#profile);
  }

  async #next(): Promise<string> {
    const late = setTimeout(() => {
      this.#found.reject(new Error(`Firefox did not answer within ${limitMs / 1_000} s`));
    }, limitMs);
    try {
      return await this.#found.promise;
    } finally {
      clearTimeout(late);
      this.#found = Promise.withResolvers();
    }
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
