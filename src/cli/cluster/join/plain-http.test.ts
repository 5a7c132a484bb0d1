/** An address with the wrong scheme is refused, and one that does not answer yet is not. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import test, { type TestContext } from "node:test";
import { testCertificates } from "../../../link/testdata/certificates.ts";
import { refusePlainHttp } from "./plain-http.ts";

async function urlOf(t: TestContext, server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("http:// at a port that speaks TLS is refused, and https:// is named", async (t) => {
  const url = await urlOf(t, createHttpsServer({ ...testCertificates.pinned }));
  await assert.rejects(refusePlainHttp(url), (error: Error) => {
    assert.match(
      error.message,
      /^bad-request: http:\S+ speaks TLS; join https:\S+, with the --fing/,
    );
    return true;
  });
});

test("other addresses pass: of plain HTTP, of nothing, of https://", async (t) => {
  const plain = createHttpServer((_, response) => void response.writeHead(404).end());
  const url = await urlOf(t, plain);
  await refusePlainHttp(url);
  await refusePlainHttp("http://127.0.0.1:1");
  await refusePlainHttp(url.replace("http:", "https:"));
});
