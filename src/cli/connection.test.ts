/** Commands that begin while the coordinator restarts wait for it, as followers of a job do. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { freePort } from "../../test/fixtures/free-port.ts";
import { endpointFile } from "../client/place.ts";
import { openCoordinator } from "../coordinator/coordinator.ts";
import { atEnd, temporaryDir } from "../store/testing/at-end.ts";
import { testMaxMs } from "../store/testing/patience.ts";
import { openClient } from "./connection.ts";

const timeout = testMaxMs;

/** A data directory whose coordinator went away and left its address. */
async function left(t: TestContext) {
  const dataDir = temporaryDir(t, "connection-");
  const options = { dataDir, listen: `127.0.0.1:${await freePort()}`, version: "test" };
  const first = await openCoordinator(options);
  const { url } = first;
  await first.close();
  const endpoint = { url, fingerprint: "", pid: 1, version: "test" };
  writeFileSync(join(dataDir, endpointFile), JSON.stringify(endpoint));
  return { dataDir, url, again: () => openCoordinator(options) };
}

test("a command waits for a coordinator that restarts, and says so once", {
  timeout,
}, async (t) => {
  const { again, dataDir, url } = await left(t);
  const noticed = Promise.withResolvers<void>();
  const said: string[] = [];
  t.mock.method(console, "error", (line: string) => {
    said.push(line);
    noticed.resolve();
  });
  const opening = openClient({ data: dataDir }, timeout);
  await Promise.race([noticed.promise, opening]);
  const second = await again();
  atEnd(t, () => second.close());
  const client = await opening;
  client.close();
  const waits = said.filter((line) => line.includes("does not answer"));
  assert.match(waits[0] ?? "", /^the coordinator at http\S+ does not answer; waiting up to \d+ s /);
  assert.equal(waits.length, 1, said.join("\n"));
  assert.ok(waits[0]?.includes(url));
});

test("one that does not come back is named, with what to do", { timeout }, async (t) => {
  const { dataDir } = await left(t);
  t.mock.method(console, "error", () => {});
  await assert.rejects(openClient({ data: dataDir }, 300), {
    code: "unavailable",
    message: /no coordinator answers at http.*; start it again with `tequio up`/,
  });
});
