/** The gateway's HTTP: headers of every answer, which origins may read it, and the treatment of
 *  slow or broken callers. */
import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { openProxy } from "../../src/gateway/proxy.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { allOf, closed, tcp } from "./raw-socket.ts";
import { served } from "./served.ts";

/** As bytes, since libraries normalise what they send. */
async function ask(t: TestContext, port: number, lines: readonly string[]): Promise<Answer> {
  const socket = await tcp(t, port);
  const host = lines.some((line) => /^host:/i.test(line)) ? [] : [`Host: 127.0.0.1:${port}`];
  socket.write(
    `${[lines[0], ...host, ...lines.slice(1), "Connection: close"].join("\r\n")}\r\n\r\n`,
  );
  return parse(String(await allOf(socket)));
}

type Answer = {
  readonly status: number;
  readonly headers: Map<string, string>;
  readonly body: string;
};

function parse(text: string): Answer {
  const [head = "", ...body] = text.split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  const headers = lines.map((line): [string, string] => {
    const at = line.indexOf(":");
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
  });
  return {
    status: Number(first.split(" ")[1]),
    headers: new Map(headers),
    body: body.join("\r\n\r\n"),
  };
}

const cases = [
  {
    call: "GET /",
    status: 200,
    cache: "no-cache",
    policy: /default-src 'self'.*frame-ancestors 'none'/,
  },
  { call: "GET /j", status: 200, cache: "no-cache", policy: /default-src 'self'/ },
  { call: "HEAD /", status: 200, cache: "no-cache", policy: /default-src 'self'/ },
  {
    call: "GET /sandbox.html",
    status: 200,
    cache: "no-cache",
    policy: /^default-src 'none'.*sandbox allow-scripts$/,
  },
  {
    call: "GET /assets/app-1a2b.js",
    status: 200,
    cache: "public, max-age=31536000, immutable",
    policy: /default-src/,
  },
  { call: "GET /speed?bytes=1000", status: 200, cache: "no-store", policy: /default-src 'none'/ },
  {
    call: "GET /speed?bytes=16777217",
    status: 400,
    cache: "no-store",
    policy: /default-src 'none'/,
  },
  { call: "GET /speed?bytes=-1", status: 400, cache: "no-store", policy: /default-src 'none'/ },
  { call: "GET /speed", status: 400, cache: "no-store", policy: /default-src 'none'/ },
  { call: "POST /speed?bytes=1", status: 400, cache: "no-store", policy: /default-src 'none'/ },
  { call: "POST /", status: 404, cache: "no-store", policy: /default-src 'none'/ },
  { call: "DELETE /index.html", status: 404, cache: "no-store", policy: /default-src 'none'/ },
  { call: "OPTIONS /", status: 404, cache: "no-store", policy: /default-src 'none'/ },
  { call: "GET /nothing", status: 404, cache: "no-store", policy: /default-src 'none'/ },
] as const;

test("every answer has safe headers, and the caching that is right for it", async (t) => {
  const { port } = await served(t);
  for (const { cache, call, policy, status } of cases) {
    const { body, headers, status: got } = await ask(t, port, [`${call} HTTP/1.1`]);
    assert.equal(got, status, call);
    assert.equal(headers.get("cache-control"), cache, call);
    assert.match(headers.get("content-security-policy") ?? "", policy, call);
    assert.equal(headers.get("x-content-type-options"), "nosniff", call);
    assert.equal(headers.get("referrer-policy"), "no-referrer", call);
    assert.equal(headers.has("access-control-allow-origin"), false, call);
    assert.equal(headers.has("server") || headers.has("x-powered-by"), false, call);
    if (call.startsWith("HEAD")) assert.equal(body, "", call);
    if (call.endsWith("bytes=1000")) assert.equal(headers.get("content-length"), "1000");
  }
});

test("no address leads out of the page's folder, and none ends the gateway", async (t) => {
  const { port } = await served(t);
  const paths = [
    "/../../../../etc/passwd",
    "/assets/../../etc/passwd",
    "/..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/assets/..\\..\\etc\\passwd",
    "/index.html%00.js",
    "/__proto__",
    "//",
    "//[",
    "/\\",
    "http://evil.example/",
    "/?%",
    "*",
  ];
  for (const path of paths) {
    const { body, status } = await ask(t, port, [`GET ${path} HTTP/1.1`]);
    assert.doesNotMatch(body, /root:/, path);
    assert.ok([200, 400, 404].includes(status), `${path}: ${status}`);
  }
  assert.equal((await ask(t, port, ["GET / HTTP/1.1"])).status, 200);
});

test("only configured origins get the headers to call and read", async (t) => {
  const origins = ["https://known.example"];
  const { port } = await served(t, { origin: { hosts: [], origins } });
  const from = (origin: string, ...lines: string[]) => [...lines, `Origin: ${origin}`];
  const known = await ask(t, port, from("https://known.example", "GET /speed?bytes=1 HTTP/1.1"));
  assert.equal(known.headers.get("access-control-allow-origin"), "https://known.example");
  assert.equal(known.headers.get("vary"), "origin");
  assert.equal(known.headers.has("access-control-allow-credentials"), false);
  const question = ["OPTIONS /t/x/out/0 HTTP/1.1", "Access-Control-Request-Method: PUT"];
  const may = await ask(t, port, from("https://known.example", ...question));
  assert.equal(may.status, 204);
  assert.match(may.headers.get("access-control-allow-methods") ?? "", /PUT/);
  assert.match(may.headers.get("access-control-allow-headers") ?? "", /range/);
  for (const origin of ["https://evil.example", "https://known.example.evil.example", "null"]) {
    const evil = await ask(t, port, from(origin, ...question));
    assert.equal(evil.status, 403, origin);
    assert.equal(evil.headers.has("access-control-allow-origin"), false, origin);
  }
  const own = await ask(t, port, from(`http://127.0.0.1:${port}`, "GET / HTTP/1.1"));
  assert.equal(own.status, 200);
  assert.equal(own.headers.has("access-control-allow-origin"), false);
});

test("B8: any page may link to the page, none may call or frame it, or rebind", async (t) => {
  const { port } = await served(t);
  const site = "Sec-Fetch-Site: cross-site";
  const visit = [site, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"];
  const frame = [site, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"];
  const fetch = [site, "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: empty"];
  const status = async (headers: readonly string[]) =>
    (await ask(t, port, ["GET /j HTTP/1.1", ...headers])).status;
  assert.equal(await status(visit), 200);
  assert.equal(await status([...visit, "Origin: https://evil.example"]), 403);
  assert.equal(await status(frame), 403);
  assert.equal(await status(fetch), 403);
  assert.equal(await status(["Host: evil.example"]), 403);
  assert.equal(await status(["Host: localhost"]), 200);
});

test("slowloris: headers that never end and silent connections are closed", async (t) => {
  const times = { headersTimeoutMs: 300, idleTimeoutMs: 1_000 };
  const { port } = await served(t, { times });
  const slow = await tcp(t, port);
  slow.write("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n");
  const drip = setInterval(() => slow.write("x: y\r\n"), 50);
  t.after(() => clearInterval(drip));
  const silent = await tcp(t, port);
  const [answer] = await Promise.all([allOf(slow), allOf(silent)]);
  assert.match(String(answer), /^HTTP\/1\.1 408 |^$/);
});

test("headers of more than 16 KB are refused", async (t) => {
  const { port } = await served(t);
  const { status } = await ask(t, port, ["GET / HTTP/1.1", `X: ${"y".repeat(17 * 1024)}`]);
  assert.equal(status, 431);
});

test("T5.6: a caller that reads nothing of its answer is cut off", async (t) => {
  const { port } = await served(t, { times: { idleTimeoutMs: 500 } });
  const accepted = acceptedSocket(t);
  const socket = await tcp(t, port);
  socket.pause();
  socket.write(`GET /speed?bytes=16777216 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  await closed(await accepted);
  // What is in the kernel's buffers arrives, but not all of it.
  const got = await allOf(socket.resume());
  assert.ok(got.length < 16_777_216, `${got.length} bytes`);
});

/** The server's end of the next connection that is accepted in this process. */
function acceptedSocket(t: TestContext): Promise<Socket> {
  const sockets = channel("net.server.socket");
  const { promise, resolve } = Promise.withResolvers<Socket>();
  const accept = (message: unknown) => resolve((message as { socket: Socket }).socket);
  sockets.subscribe(accept);
  t.after(() => sockets.unsubscribe(accept));
  return promise;
}

/** A server in place of the coordinator, and a gateway in front of it. */
async function proxied(
  t: TestContext,
  answer: Parameters<typeof createServer>[1],
  idleMs = waitMaxMs,
): Promise<{ readonly port: number; readonly asked: IncomingMessage[]; stop(): Promise<void> }> {
  const asked: IncomingMessage[] = [];
  const upstream = createServer((request, response) => {
    asked.push(request);
    (answer as (a: IncomingMessage, b: unknown) => void)(request, response);
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
  const proxy = openProxy({ url, fingerprint: "", idleMs });
  const stop = async () => {
    if (!upstream.listening) return;
    upstream.closeAllConnections();
    await new Promise((resolve) => upstream.close(resolve));
  };
  t.after(stop);
  t.after(() => proxy.close());
  const { port } = await served(t, { handlers: [proxy] });
  return { port, asked, stop };
}

test("data and API are passed on with what matters, and nothing else", async (t) => {
  const { asked, port } = await proxied(t, (_request, response) => {
    response.writeHead(206, {
      "content-type": "application/octet-stream",
      "content-range": "bytes 1-2/9",
      "set-cookie": "a=b",
      "x-inner": "secret",
    });
    response.end("ok");
  });
  const sent = ["GET /t/abc/file/0 HTTP/1.1", "Range: bytes=1-2", "Cookie: c=d", "X-Evil: 1"];
  const { body, headers, status } = await ask(t, port, sent);
  assert.equal(status, 206);
  assert.match(body, /ok/);
  assert.equal(headers.get("content-range"), "bytes 1-2/9");
  assert.equal(headers.get("cache-control"), "no-store");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.equal(headers.has("set-cookie") || headers.has("x-inner"), false);
  assert.equal(asked[0]?.headers.range, "bytes=1-2");
  assert.equal(asked[0]?.headers.cookie ?? asked[0]?.headers["x-evil"], undefined);
  const others = ["/t/../v2/x", "/t/%2e%2e/..", "/v2/x", "/p4/x", "/seed5/gateway", "//t/x"];
  for (const path of [...others, "/t/%2e%2e/p4/x", "/v1/a/.%2E/%2E./p4/x", "/t/.\\..\\p4"]) {
    assert.equal((await ask(t, port, [`GET ${path} HTTP/1.1`])).status, 404, path);
  }
  assert.equal(asked.length, 1);
});

test("an upload arrives byte for byte; one that breaks off does so behind, too", async (t) => {
  const sizes: number[] = [];
  const begun = Promise.withResolvers<void>();
  const broken = Promise.withResolvers<void>();
  const { port } = await proxied(t, (request, response) => {
    let sizeBytes = 0;
    request.on("data", (part: Buffer) => {
      sizeBytes += part.length;
      if (sizes.length > 0) begun.resolve();
    });
    request.on("end", () => {
      sizes.push(sizeBytes);
      response.end(String(sizeBytes));
    });
    request.on("error", () => broken.resolve());
  });
  const body = Buffer.alloc(5_000_000, 7);
  const answer = await fetch(`http://127.0.0.1:${port}/t/abc/out/0`, { method: "PUT", body });
  assert.equal(await answer.text(), "5000000");
  const socket = await tcp(t, port);
  socket.write(
    `PUT /t/abc/out/0 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 1000\r\n\r\nhalf`,
  );
  await begun.promise;
  socket.destroy();
  await broken.promise;
  assert.deepEqual(sizes, [5_000_000]);
});

test("a coordinator that is down or silent is 503, to be tried again", async (t) => {
  const { port, stop } = await proxied(t, () => {}, 1_000);
  const silent = await ask(t, port, ["GET /v1/jobs HTTP/1.1"]);
  assert.equal(silent.status, 503);
  assert.equal(silent.headers.get("retry-after"), "1");
  await stop();
  const down = await ask(t, port, ["GET /t/abc/code HTTP/1.1"]);
  assert.equal(down.status, 503);
  assert.equal(JSON.parse(down.body).retryable, true);
});
