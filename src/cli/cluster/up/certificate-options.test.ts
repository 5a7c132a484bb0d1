/** Certificates of the operator's own: which are taken, and what the coordinator makes of one. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openCoordinator } from "../../../coordinator/coordinator.ts";
import { selfSigned } from "../../../link/tls/self-signed.ts";
import { temporaryDir } from "../../../store/testing/at-end.ts";
import { certificateOptions } from "./certificate-options.ts";

const yearMs = 365 * 86_400_000;

function folder(t: TestContext) {
  const dir = temporaryDir(t, "cert-");
  const put = (name: string, text: string) => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  return { dir, put };
}

test("a certificate needs its own key, and time left", (t) => {
  const { put } = folder(t);
  const good = selfSigned(["*.example.org", "cluster.example.org", "10.0.0.1"], Date.now());
  const old = selfSigned(["old.example.org"], Date.now() - 11 * yearMs);
  const cert = put("cert.pem", good.cert);
  const key = put("key.pem", good.key);
  const { certificate } = certificateOptions({ cert, key });
  assert.equal(certificate?.host, "cluster.example.org", "the first name that is whole");
  assert.equal(certificate?.isSelfSigned, true);
  assert.deepEqual(certificateOptions({}), {});
  const wrong = (flags: Parameters<typeof certificateOptions>[0], text: RegExp) =>
    assert.throws(() => certificateOptions(flags), { code: "bad-request", message: text });
  wrong({ cert }, /given together/);
  wrong({ cert, key, insecure: true }, /cannot be combined/);
  wrong({ cert, key: put("other.pem", old.key) }, /is not that of/);
  wrong({ cert: put("old.pem", old.cert), key: put("old-key.pem", old.key) }, /expired on/);
  wrong({ cert: put("text.pem", "hello"), key }, /is not PEM/);
  wrong({ cert: join(tmpdir(), "none.pem"), key }, /cannot read --cert .*ENOENT/);
});

test("links have the name of the certificate, also where only this machine listens", async (t) => {
  const { dir } = folder(t);
  const made = selfSigned(["cluster.example.org"], Date.now());
  const coordinator = await openCoordinator({
    dataDir: dir,
    listen: "127.0.0.1:0",
    version: "1",
    certificate: { ...made, host: "cluster.example.org", isSelfSigned: false },
  });
  t.after(() => coordinator.close());
  const { port, protocol } = new URL(coordinator.url);
  assert.equal(protocol, "https:");
  assert.equal(coordinator.openUrl, `https://cluster.example.org:${port}`);
  assert.equal(coordinator.pin, "", "an authority vouches for it");
  assert.match(coordinator.fingerprint, /^[0-9a-f]{64}$/);
  const status = await new Promise((resolve, reject) => {
    const host = `cluster.example.org:${port}`;
    const options = { host: "127.0.0.1", port, path: "/v1/health", ca: made.cert };
    const servername = "cluster.example.org";
    request({ ...options, servername, headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on("error", reject)
      .end();
  });
  assert.equal(status, 200);
});
