/** Links over real WebSockets on loopback: conformance, error messages, hostile peers. */
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { WebSocket } from "ws";
import { linkConformance, textLinkConformance } from "../../test/conformance/register.ts";
import { ClusterError, type ErrorCode } from "../core/error.ts";
import type { Link } from "./link.ts";
import { testCertificates } from "./testdata/certificates.ts";
import {
  type AcceptOptions,
  acceptTexts,
  acceptWebSockets,
  dialText,
  dialWebSocket,
  refuseUpgrade,
  type TextLink,
} from "./websocket.ts";

linkConformance("websocket", (limits) => ended((test) => pair(test, limits)));

linkConformance("websocket with TLS", (limits) =>
  ended(async (test) => {
    const server = createTlsServer({ ...testCertificates.pinned });
    const { links, url } = await serve(test, limits, server);
    const { raw } = new X509Certificate(testCertificates.pinned.cert);
    const fingerprint = createHash("sha256").update(raw).digest("hex");
    const dialled = await dialWebSocket(url.replace("ws:", "wss:"), { tls: { fingerprint } });
    test.after(() => dialled.close());
    return [dialled, await links.next()];
  }),
);

textLinkConformance("websocket", () =>
  ended(async (test) => {
    const server = createServer();
    const acceptor = acceptTexts();
    const accepted = new Promise<TextLink>((resolve) => {
      server.on("upgrade", (request, socket, head) => {
        acceptor.handleUpgrade(request, socket, head, resolve);
      });
    });
    const dialled = await dialText(await listen(test, server));
    test.after(() => acceptor.close());
    return [dialled, await accepted];
  }),
);

/** Where a test says what is to be ended after it. */
type Ending = Pick<TestContext, "after">;

async function pair(test: Ending, limits: AcceptOptions): Promise<[Link, Link]> {
  const { dial, links } = await serve(test, limits);
  return [await dial(), await links.next()];
}

/** What was opened is ended when the check closes it. */
async function ended<T>(open: (test: Ending) => Promise<readonly [T, T]>) {
  const endings: Array<() => unknown> = [];
  const ends = await open({ after: (end) => endings.push(end as () => unknown) });
  const close = async () => {
    for (const end of endings) await end();
  };
  return { ends, close };
}

/** A server whose accepted links come one after the other from `links.next()`. */
async function serve(
  test: Ending,
  options: AcceptOptions = {},
  server: Server | TlsServer = createServer(),
) {
  const acceptor = acceptWebSockets(options);
  const ready: Link[] = [];
  const waiting: Array<(link: Link) => void> = [];
  server.on("upgrade", (request, socket, head) => {
    acceptor.handleUpgrade(request, socket, head, (link) => {
      const wanted = waiting.shift();
      if (wanted === undefined) ready.push(link);
      else wanted(link);
    });
  });
  const links = {
    next: async (): Promise<Link> => {
      const link = ready.shift();
      return link ?? new Promise<Link>((resolve) => waiting.push(resolve));
    },
  };
  const url = await listen(test, server);
  const dialled: Link[] = [];
  const dial = async (): Promise<Link> => {
    const link = await dialWebSocket(url);
    dialled.push(link);
    return link;
  };
  test.after(async () => {
    // A link that never received does not read the peer's close: end it from here.
    for (const link of dialled) link.close();
    await acceptor.close();
  });
  return { url, dial, links, acceptor };
}

async function listen(test: Ending, server: Server | TlsServer): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function refusing(
  test: TestContext,
  answer: (socket: import("node:stream").Duplex) => void,
): Promise<string> {
  const server = createServer();
  server.on("upgrade", (_request, socket) => answer(socket));
  return listen(test, server);
}

async function failure(url: string, options?: Parameters<typeof dialWebSocket>[1]) {
  const error = await dialWebSocket(url, options).then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ClusterError, `dialling ${url} should fail with a ClusterError`);
  return error;
}

function closed(link: Link): Promise<string> {
  return new Promise((resolve) => link.onClose(resolve));
}

describe("dialling", () => {
  it("sends the headers that were given", async (test) => {
    const server = createServer();
    const url = await listen(test, server);
    const acceptor = acceptWebSockets();
    test.after(() => acceptor.close());
    const shown = new Promise<string | undefined>((resolve) => {
      server.on("upgrade", (request, socket, head) => {
        acceptor.handleUpgrade(request, socket, head, (link, asked) => {
          link.onFrame(() => {});
          resolve(asked.headers.authorization);
        });
      });
    });
    const link = await dialWebSocket(url, { headers: { authorization: "Bearer t" } });
    link.onFrame(() => {});
    assert.equal(await shown, "Bearer t");
  });

  it("reports that nothing listens, and what to do", async (test) => {
    const server = createServer();
    const url = await listen(test, server);
    server.close();
    await once(server, "close");
    const error = await failure(url);
    assert.equal(error.code, "unavailable");
    assert.match(error.text, /nothing listens at 127\.0\.0\.1:\d+; start it with `tequio up`/);
  });

  it("gives up after its time limit, and leaves nothing open", async (test) => {
    const sockets: Socket[] = [];
    const server = createTcpServer((socket) => sockets.push(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    test.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const error = await failure(`ws://127.0.0.1:${port}`, { timeoutMs: 50 });
    assert.equal(error.code, "unavailable");
    assert.match(error.text, /did not answer in 50 ms/);
    const [socket] = sockets;
    if (!socket!.closed) await once(socket!.resume(), "close");
  });

  it("passes on the text of a coordinator's refusal", async (test) => {
    const told = new ClusterError("version-mismatch", "this is version 2; use version 2");
    const error = await failure(await refusing(test, (socket) => refuseUpgrade(socket, 426, told)));
    assert.equal(error.code, "version-mismatch");
    assert.equal(error.text, "this is version 2; use version 2");
  });

  const statuses: ReadonlyArray<readonly [number, ErrorCode]> = [
    [301, "bad-request"],
    [400, "bad-request"],
    [401, "unauthenticated"],
    [403, "forbidden"],
    [404, "not-found"],
    [426, "version-mismatch"],
    [503, "unavailable"],
    [200, "protocol-violated"],
  ];
  for (const [status, code] of statuses) {
    it(`reads HTTP ${status} without a coordinator's text as ${code}`, async (test) => {
      const url = await refusing(test, (socket) =>
        socket.end(`HTTP/1.1 ${status} X\r\nlocation: ws://127.0.0.1:1\r\n\r\n{"code":"nonsense"}`),
      );
      assert.equal((await failure(url)).code, code);
    });
  }

  it("reads an error answer that never ends by its status", async (test) => {
    const answer: RequestListener = (_request, response) => {
      response.writeHead(401);
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(16 * 1024)));
      };
      response.on("drain", more);
      more();
    };
    const url = await listen(test, createServer(answer));
    assert.equal((await failure(url)).code, "unauthenticated");
  });

  it("reports an answer that is not HTTP as a violation", async (test) => {
    const server = createTcpServer((socket) => socket.end("220 mail.example ESMTP\r\n"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    test.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    assert.equal((await failure(`ws://127.0.0.1:${port}`)).code, "protocol-violated");
  });

  it("refuses addresses and tokens that cannot be used", async () => {
    for (const url of ["", "nonsense", "file:///etc/passwd", "ws+unix:/x"]) {
      assert.equal((await failure(url)).code, "bad-request");
    }
    const headers = { authorization: "Bearer a\r\nb" };
    assert.equal((await failure("ws://127.0.0.1:1", { headers })).code, "bad-request");
  });
});

describe("accepting", () => {
  it("closes a link that sends text, with code 1003", async (test) => {
    const { url, links } = await serve(test);
    const peer = new WebSocket(url);
    const gone = once(peer, "close");
    await once(peer, "open");
    const link = await links.next();
    link.onFrame(() => assert.fail("text was delivered"));
    const here = closed(link);
    peer.send("hello");
    const [code, reason] = await gone;
    assert.equal(code, 1003);
    assert.equal(String(reason), await here);
  });

  it("closes a frame that is larger than the limit with code 1009", async (test) => {
    const { url, links } = await serve(test, { frameMaxBytes: 100 });
    const peer = new WebSocket(url);
    const gone = once(peer, "close");
    await once(peer, "open");
    const link = await links.next();
    link.onFrame(() => assert.fail("too much was delivered"));
    peer.send(Buffer.alloc(101));
    assert.equal((await gone)[0], 1009);
  });

  it("T5.6: closes a message cut into more fragments than the limit", async (test) => {
    const { url, links } = await serve(test);
    const peer = new WebSocket(url);
    const gone = once(peer, "close");
    await once(peer, "open");
    const link = await links.next();
    link.onFrame(() => assert.fail("a bomb was delivered"));
    for (let n = 0; n < 1025; n++) peer.send(Buffer.alloc(1), { fin: false });
    assert.equal((await gone)[0], 1008);
  });

  it("agrees to no compression, whatever the peer offers", async (test) => {
    const { url, links } = await serve(test);
    const peer = new WebSocket(url, { perMessageDeflate: true });
    await once(peer, "open");
    assert.equal(peer.extensions, "");
    (await links.next()).onFrame(() => {});
  });

  it("answers 503 above the number of links that it may hold", async (test) => {
    const { url, dial, links, acceptor } = await serve(test, { linksMax: 1 });
    const first = await dial();
    const link = await links.next();
    const error = await failure(url);
    assert.equal(error.code, "unavailable");
    assert.match(error.text, /all 1 links are in use/);
    first.onFrame(() => {});
    link.onFrame(() => {});
    const gone = closed(link);
    first.close();
    await gone;
    assert.equal(acceptor.count, 0);
    await dial();
  });

  it("sends every link the reason why it stops, and accepts none afterwards", async (test) => {
    const { url, dial, links, acceptor } = await serve(test);
    const first = await dial();
    (await links.next()).onFrame(() => {});
    first.onFrame(() => {});
    const told = closed(first);
    await acceptor.close("going home");
    assert.equal(await told, "going home");
    assert.equal((await failure(url)).code, "unavailable");
  });

  it("disconnects a peer that does not answer the close", async (test) => {
    const { url, links, acceptor } = await serve(test, { closeTimeoutMs: 50 });
    const peer = new WebSocket(url);
    const opened = once(peer, "open");
    (await links.next()).onFrame(() => {});
    await opened;
    peer.pause();
    const gone = once(peer, "close");
    await acceptor.close();
    assert.equal(acceptor.count, 0);
    peer.resume();
    await gone;
  });

  it("closes a link whose peer reads too slowly", async (test) => {
    const { url, links } = await serve(test, { pendingMaxBytes: 1024 * 1024 });
    const peer = new WebSocket(url);
    const opened = once(peer, "open");
    const link = await links.next();
    await opened;
    peer.pause();
    link.onFrame(() => {});
    const gone = closed(link);
    for (let n = 0; n < 100; n++) link.send(new Uint8Array(1024 * 1024));
    assert.match(await gone, /reads too slowly/);
    peer.resume();
    await once(peer, "close");
  });

  it("reports a lost connection when the peer is just gone", async (test) => {
    const { url, links } = await serve(test);
    const peer = new WebSocket(url);
    const link = await links.next();
    link.onFrame(() => {});
    const gone = closed(link);
    peer.once("open", () => peer.terminate());
    assert.match(await gone, /connection was lost/);
  });
});
