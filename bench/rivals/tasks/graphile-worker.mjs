/** No-op tasks on graphile-worker: `node graphile-worker.mjs <connection string>`; see
 *  worker-processes.mjs. */
import { makeWorkerUtils, run } from "graphile-worker";
import { lead, work } from "./worker-processes.mjs";

const quiet = { log() {} };
const { Logger } = await import("graphile-worker");
const logger = new Logger(() => quiet.log);

if (process.argv[2] === "worker") {
  await work(async (done, connectionString) => {
    const runner = await run({
      connectionString,
      concurrency: 24,
      noHandleSignals: true,
      logger,
      taskList: { no_op: async (payload) => payload },
      // What its manual recommends for speed.
      preset: {
        worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 },
      },
    });
    runner.events.on("job:complete", done);
  });
} else {
  await lead(import.meta.filename, async (connectionString) => {
    const utils = await makeWorkerUtils({ connectionString, logger });
    await utils.migrate();
    return async (count) => {
      if (count === 1) return utils.addJob("no_op", { item: 0 });
      return utils.withPgClient((client) =>
        client.query(
          `SELECT graphile_worker.add_jobs(array(
             SELECT json_populate_record(null::graphile_worker.job_spec,
               json_build_object('identifier', 'no_op', 'payload', json_build_object('item', i)))
             FROM generate_series(1, $1) i))`,
          [count],
        ),
      );
    };
  });
}
