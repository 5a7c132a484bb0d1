/** Data directories of older versions: `testdata/format-N` was written by the last version before a
 *  later format, and is read, upgraded and checked by every version since. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { pragma, schemaSteps } from "../../store/log/schema.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { opened } from "../testing/opened.ts";
import { checkDir } from "./check.ts";

/** A copy that may be changed, with the permissions that Git does not keep. */
function copyOf(t: TestContext, format: number): string {
  const dir = join(temporaryDir(t), "data");
  cpSync(join(import.meta.dirname, "testdata", `format-${format}`), dir, { recursive: true });
  for (const name of ["cluster.json", "log.sqlite", "log.sqlite.witness"]) {
    chmodSync(join(dir, name), 0o600);
  }
  return dir;
}

function formatOf(dir: string): number {
  const database = new DatabaseSync(join(dir, "log.sqlite"), { readOnly: true });
  const format = Number(pragma(database, "user_version"));
  database.close();
  return format;
}

async function mustBeAllThere(t: TestContext, dataDir: string): Promise<void> {
  const cluster = await opened(t, { dataDir });
  const { jobs } = (await (await cluster.call("GET", "/v1/jobs")).json()) as {
    jobs: { job: string; state: string }[];
  };
  const found = jobs.map(({ job, state }) => `${job} ${state}`);
  assert.deepEqual(found, ["j-3 running", "j-2 cancelled", "j-1 running"]);
  await cluster.coordinator.close();
  assert.equal(formatOf(dataDir), schemaSteps.length);
  assert.deepEqual((await checkDir(dataDir)).damages, []);
}

for (let format = 1; format <= schemaSteps.length; format += 1) {
  test(`a data directory of format ${format} is brought up to date, with all that is in it`, (t) =>
    mustBeAllThere(t, copyOf(t, format)));
}

test("kill -9 in the middle of an upgrade leaves the previous format intact", async (t) => {
  const dir = copyOf(t, schemaSteps.length);
  const schema = pathToFileURL(join(import.meta.dirname, "../../store/log/schema.ts")).href;
  const program = `
    import { DatabaseSync } from "node:sqlite";
    import { makeDurable, schemaSteps, upgrade } from ${JSON.stringify(schema)};
    const path = ${JSON.stringify(join(dir, "log.sqlite"))};
    const database = new DatabaseSync(path);
    makeDurable(database);
    database.function("die", () => process.kill(process.pid, "SIGKILL"));
    const next = "ALTER TABLE record ADD COLUMN more BLOB; UPDATE record SET more = x'00';";
    upgrade(database, path, [...schemaSteps, next, "SELECT die();"]);`;
  const ended = spawnSync(process.execPath, ["--input-type=module", "--eval", program]);
  assert.equal(ended.signal, "SIGKILL", String(ended.stderr));
  assert.equal(formatOf(dir), schemaSteps.length);
  await mustBeAllThere(t, dir);
});
