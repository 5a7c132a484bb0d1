/** Discovery: where the question goes. */
import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "node:test";
import { atEnd } from "../store/testing/at-end.ts";
import { answerQuestions, askAround, questionHosts } from "./discovery.ts";

test("the question goes to each network of this machine, not by the default route", () => {
  assert.deepEqual(questionHosts("127.0.0.5"), ["127.0.0.5"]);
  const outer = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal, netmask }) => {
      return family === "IPv4" && !internal && netmask !== "255.255.255.255";
    });
  const everywhere = questionHosts("0.0.0.0");
  if (outer.length === 0) return assert.deepEqual(everywhere, ["255.255.255.255"]);
  for (const { address } of outer) {
    const [broadcast, ...more] = questionHosts(address);
    assert.deepEqual(more, []);
    assert.notEqual(broadcast, "255.255.255.255");
    assert.ok(everywhere.includes(broadcast as string));
  }
});

test("an address that cannot be sent to keeps no other from being asked", async (t) => {
  const answering = await answerQuestions(
    { host: "127.0.0.1", port: 0 },
    { host: "h", port: 8_080 },
  );
  atEnd(t, () => answering.close());
  // A name that cannot be: sending to it fails at once, as to a network without a route.
  const asked = { port: answering.port, answersMax: 1, quietMs: 60_000 };
  const found = await askAround({ ...asked, hosts: ["no host", "127.0.0.1"] });
  assert.deepEqual(found, [{ host: "h", port: 8_080 }]);
  const failing = askAround({ ...asked, hosts: ["no host"] });
  await assert.rejects(failing, { code: "unavailable" });
});
