/** GET_FILE between two clients over real sockets: this implementation against scripted ones, in
 *  both roles. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import {
  defaultGetFileLimits,
  type FileLookup,
  fetchConsoleFile,
  serveGetFile,
} from "./console-files.ts";
import { rawAnswer } from "./testing/raw-answer.ts";

const name = "/srv/notes.txt";

async function listening(t: TestContext, take: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket.on("error", () => {}));
    take(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

/** One published file; counts how many were closed again. */
function published(pieces: readonly Uint8Array[], sizeBytes?: number) {
  const closed: string[] = [];
  const size = sizeBytes ?? pieces.reduce((sum, piece) => sum + piece.length, 0);
  const lookup: FileLookup = async (asked) => {
    if (asked === "/srv/unreadable") throw new Error("EACCES");
    if (asked !== name) return null;
    async function* content() {
      yield* pieces;
    }
    return { sizeBytes: size, content: content(), close: async () => void closed.push(asked) };
  };
  return { lookup, closed };
}

function serving(t: TestContext, lookup: FileLookup, limits = defaultGetFileLimits) {
  return listening(t, (socket) => void serveGetFile(socket, new Uint8Array(0), lookup, limits));
}

async function all(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

const body = Buffer.from("ten bytes\n");

describe("serving", () => {
  it("both spellings, in one piece or byte by byte, half closed or not", async (t) => {
    const { lookup, closed } = published([body.subarray(0, 4), body.subarray(4)]);
    const address = await serving(t, lookup);
    const expected = Buffer.concat([Buffer.from("\x0010\0"), body]);
    for (const operation of ["GET_FILE", "GET FILE"]) {
      const request = `${operation}\0${name}\0`;
      assert.deepEqual(await rawAnswer(address, [request]), expected);
      assert.deepEqual(await rawAnswer(address, [...request]), expected);
      assert.deepEqual(await rawAnswer(address, [request], true), expected);
    }
    assert.equal(closed.length, 6);
  });

  it("a file of 0 bytes has a head and nothing more", async (t) => {
    const address = await serving(t, published([]).lookup);
    const answer = await rawAnswer(address, [`GET_FILE\0${name}\0`]);
    assert.deepEqual(answer, Buffer.from("\x000\0"));
  });

  it("T3.4: an unpublished name is answered with 1, whatever its path", async (t) => {
    const address = await serving(t, published([body]).lookup);
    for (const path of ["/etc/passwd", "../notes.txt", `${name}/`, "/srv/./notes.txt", ""]) {
      const answer = await rawAnswer(address, [`GET_FILE\0${path}\0`]);
      assert.deepEqual(answer, Buffer.of(1), path);
    }
  });

  it("T3.1: a malformed or silent request, or unreadable file, is answered with 2", async (t) => {
    const limits = { ...defaultGetFileLimits, requestMs: 100 };
    const address = await serving(t, published([body]).lookup, limits);
    const other = Buffer.of(2);
    assert.deepEqual(await rawAnswer(address, ["REGISTER\0alice\0"]), other);
    assert.deepEqual(await rawAnswer(address, [`FORMAT\0${name}\0`]), other);
    assert.deepEqual(await rawAnswer(address, ["GET_FILE\0/srv"], true), other);
    assert.deepEqual(await rawAnswer(address, ["GET_FILE\0/srv"]), other);
    assert.deepEqual(await rawAnswer(address, ["x".repeat(100_000)]), other);
    assert.deepEqual(await rawAnswer(address, ["GET_FILE\0/srv/unreadable\0"]), other);
  });

  it("F2: a file that changed while it was read is cut short", async (t) => {
    for (const declared of [9, 11]) {
      const address = await serving(t, published([body], declared).lookup);
      const fetched = await fetchConsoleFile(address, name);
      if (declared === 11) await assert.rejects(all(fetched.content), { code: "download-failed" });
      fetched.close();
    }
  });
});

describe("fetching", () => {
  it("this implementation fetches from itself, bytes unchanged", async (t) => {
    const large = Buffer.alloc(3_000_001, "abc");
    const address = await serving(t, published([large]).lookup);
    const fetched = await fetchConsoleFile(address, name);
    assert.equal(fetched.sizeBytes, large.length);
    assert.ok((await all(fetched.content)).equals(large));
  });

  it("GET FILE is tried when a peer closes without a byte", async (t) => {
    const asked: string[] = [];
    const address = await listening(t, (socket) => {
      socket.once("data", (bytes: Buffer) => {
        asked.push(bytes.toString("latin1"));
        if (bytes.includes("GET FILE")) socket.end(Buffer.from("\x003\0abc"));
        else socket.end();
      });
    });
    const fetched = await fetchConsoleFile(address, name);
    assert.equal((await all(fetched.content)).toString(), "abc");
    assert.deepEqual(asked, [`GET_FILE\0${name}\0`, `GET FILE\0${name}\0`]);
  });

  it("the results 1 and 2 are reported as outcomes", async (t) => {
    for (const [byte, outcome] of [
      [1, "no-file"],
      [2, "other"],
    ] as const) {
      const address = await listening(t, (socket) => socket.end(Buffer.of(byte)));
      assert.equal((await fetchConsoleFile(address, name)).outcome, outcome);
    }
  });

  it("F2: a stream that ends early, stalls, crawls or has excess bytes is refused", async (t) => {
    const limits = { answerMs: 300, stallMs: 100, progressMinBytes: 50 };
    const scripts: [string, (socket: Socket) => void][] = [
      ["ends early", (socket) => socket.end(Buffer.from("\x0010\0abc"))],
      ["is reset", (socket) => void socket.once("data", () => socket.resetAndDestroy())],
      ["stalls", (socket) => void socket.write("\x0010\0abc")],
      [
        "crawls",
        (socket) => {
          socket.write("\x00999\0");
          const timer = setInterval(() => socket.write("x"), 20);
          socket.on("close", () => clearInterval(timer));
        },
      ],
    ];
    for (const [title, script] of scripts) {
      const address = await listening(t, script);
      const fetch = async () => all((await fetchConsoleFile(address, name, limits)).content);
      await assert.rejects(fetch(), { code: "download-failed" }, title);
    }
    const long = await listening(t, (socket) => socket.end(Buffer.from("\x003\0abcdef")));
    assert.equal((await all((await fetchConsoleFile(long, name)).content)).toString(), "abc");
  });

  it("a file without its size is what comes until the peer ends", async (t) => {
    const png = Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0", "latin1");
    const contents = [png, "short", "12\n", "a line\n".repeat(9_000)].map((text) =>
      Buffer.from(text),
    );
    for (const content of contents) {
      for (const cut of [0, 1, 3, content.length]) {
        const address = await listening(t, (socket) => {
          socket.once("data", () => {
            const answer = Buffer.concat([Buffer.of(0), content]);
            socket.write(answer.subarray(0, cut), () => socket.end(answer.subarray(cut)));
          });
        });
        const fetched = await fetchConsoleFile(address, name);
        assert.equal(fetched.sizeBytes, null);
        assert.deepEqual(await all(fetched.content), content);
      }
    }
    const reset = await listening(t, (socket) => {
      socket.once("data", () => {
        socket.write("\0a text without its size", () => socket.resetAndDestroy());
      });
    });
    const fetch = async () => all((await fetchConsoleFile(reset, name)).content);
    await assert.rejects(fetch(), { code: "download-failed" });
  });

  it("F11: heads that are hostile are refused by name, silence by time", async (t) => {
    const limits = { answerMs: 100 };
    const heads = ["\x00-1\0", "\x0099999999999999999\0", "0\0", "\x09"];
    for (const head of heads) {
      const address = await listening(t, (socket) => socket.end(Buffer.from(head)));
      await assert.rejects(fetchConsoleFile(address, name), { code: "protocol-violated" });
    }
    for (const digits of ["12", "1".repeat(300)]) {
      const cut = await listening(t, (socket) => socket.end(Buffer.from(`\0${digits}`)));
      await assert.rejects(fetchConsoleFile(cut, name), { code: "download-failed" });
    }
    const silent = await listening(t, () => {});
    await assert.rejects(fetchConsoleFile(silent, name, limits), { code: "download-failed" });
    const gone = { host: "127.0.0.1", port: 1 };
    await assert.rejects(fetchConsoleFile(gone, name, limits), { code: "unavailable" });
  });

  it("ends at once when it is aborted", async (t) => {
    const address = await listening(t, (socket) => void socket.write("\x0010\0abc"));
    const stop = new AbortController();
    const fetched = await fetchConsoleFile(address, name, { signal: stop.signal });
    const reading = all(fetched.content);
    stop.abort(new Error("enough"));
    await assert.rejects(reading, { code: "download-failed" });
    await assert.rejects(fetchConsoleFile(address, name, { signal: stop.signal }), /enough/);
  });
});
