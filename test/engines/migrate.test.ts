/** A cluster that moves from the data directory into engines and S3 and back; backup and check
 *  where it lies. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { engineFindings } from "../../src/cli/upkeep/doctor/engine.ts";
import { type Coordinator, openCoordinator } from "../../src/coordinator/coordinator.ts";
import { type Places, readPlaces } from "../../src/coordinator/leading/places.ts";
import type { CoordinatorOptions } from "../../src/coordinator/options.ts";
import { Opened } from "../../src/coordinator/testing/opened.ts";
import { backUp } from "../../src/coordinator/upkeep/backup.ts";
import { checkDir } from "../../src/coordinator/upkeep/check.ts";
import { migrate } from "../../src/coordinator/upkeep/migrate.ts";
import { restore } from "../../src/coordinator/upkeep/restore.ts";
import { atEnd, temporaryDir } from "../../src/store/testing/at-end.ts";
import { NatsServers, withoutNats } from "./nats-servers.ts";
import { PostgresServer, withoutPostgres } from "./postgres-server.ts";
import { credentials, S3Server, withoutS3 } from "./s3-server.ts";

const skip = withoutPostgres || withoutNats || withoutS3;
let postgres: PostgresServer;
let nats: NatsServers;
let s3: S3Server;

/** One that runs without the others is removed, too. */
const started = new AsyncDisposableStack();

before(async () => {
  if (skip !== false) return;
  const remove = (server: { remove(): Promise<void> }) => server.remove();
  postgres = started.adopt(await PostgresServer.start(), remove);
  nats = started.adopt(await NatsServers.start(1), remove);
  s3 = started.adopt(await S3Server.start(), remove);
  process.env.AWS_ACCESS_KEY_ID = credentials.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = credentials.secretAccessKey;
});
after(() => started.disposeAsync());

async function openAt(t: TestContext, dataDir: string, places: Places): Promise<Opened> {
  const { allowSingle = false, blobs, log } = places;
  const options: CoordinatorOptions = {
    dataDir,
    listen: "127.0.0.1:0",
    version: "test",
    ...(blobs === undefined ? {} : { blobs }),
    ...(log === undefined ? {} : { leading: { log, allowSingle } }),
  };
  const coordinator: Coordinator = await openCoordinator(options);
  atEnd(t, () => coordinator.close());
  return new Opened(coordinator, dataDir);
}

async function jobsOf(opened: Opened): Promise<string[]> {
  const answer = await opened.call("GET", "/v1/jobs");
  return ((await answer.json()) as { jobs: { job: string }[] }).jobs.map(({ job }) => job);
}

test("a cluster moves into PostgreSQL, JetStream with S3, and back, with all that it has", {
  skip,
}, async (t) => {
  const dir = temporaryDir(t, "migrate-");
  const dataDir = join(dir, "data");
  const jobs: string[] = [];
  const stations: Places[] = [
    {},
    { log: postgres.url("migrate"), blobs: join(dir, "blobs") },
    { log: nats.url("migrate"), blobs: s3.address(), allowSingle: true },
    {},
  ];
  for (const [index, places] of stations.entries()) {
    if (index > 0) {
      const report = await migrate({ dataDir, to: places });
      assert.equal(report.jobs, jobs.length);
      assert.ok(report.blobsCopied > 0);
      assert.deepEqual(readPlaces(dataDir), places);
      // Once more changes nothing.
      assert.equal((await migrate({ dataDir, to: places })).blobsCopied, 0);
    }
    const opened = await openAt(t, dataDir, places);
    assert.deepEqual(await jobsOf(opened), [...jobs].reverse());
    jobs.push(await opened.submit(await opened.tasksSpec(index + 2)));
    await assert.rejects(migrate({ dataDir, to: { log: postgres.url("other") } }), {
      name: "ClusterError",
    });
    const found = await engineFindings(dataDir);
    assert.deepEqual(
      found.map(({ severity }) => severity),
      places.log === undefined ? [] : index === 2 ? ["good", "good"] : ["good"],
    );
    const checked = await checkDir(dataDir);
    assert.deepEqual(checked.damages, []);
    assert.ok(checked.blobs > 0);
    const to = join(dir, `backup-${index}`);
    const report = await backUp({ dataDir, to, version: "test" });
    assert.equal(report.jobs, jobs.length);
    assert.deepEqual((await checkDir(to)).damages, []);
    await opened.coordinator.close();
  }
  const restored = join(dir, "restored");
  await restore({ from: join(dir, "backup-2"), dataDir: restored });
  const opened = await openAt(t, restored, {});
  assert.equal((await jobsOf(opened)).length, jobs.length - 1);
  await opened.coordinator.close();
  assert.ok(existsSync(join(dataDir, "old-log-1")), "the log of before is kept");
  // The engines that were left are not started again.
  const left = stations[2] as Places;
  await assert.rejects(openAt(t, join(dir, "another"), left), {
    code: "conflict",
    message: /was moved to a data directory/,
  });
});

test("a directory whose log lies in an engine is not started as an empty cluster", {
  skip,
}, async (t) => {
  const dataDir = join(temporaryDir(t, "migrate-"), "data");
  const opened = await openAt(t, dataDir, { log: postgres.url("empty") });
  await opened.coordinator.close();
  await assert.rejects(openAt(t, dataDir, {}), {
    code: "conflict",
    message: /lies in postgres:.*give --log/,
  });
  assert.match(readFileSync(join(dataDir, "places.json"), "utf8"), /postgres:/);
});
