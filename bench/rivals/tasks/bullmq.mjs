/** No-op tasks on BullMQ: `node bullmq.mjs <port of Redis>`; see worker-processes.mjs. */
import { Queue, Worker } from "bullmq";
import { lead, work } from "./worker-processes.mjs";

const atOnce = 1_000;
const redis = (port) => ({ host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null });

if (process.argv[2] === "worker") {
  await work(async (done, port) => {
    const options = { connection: redis(port), concurrency: 100 };
    const worker = new Worker("tasks", async ({ data }) => data, options);
    worker.on("completed", done);
    await worker.waitUntilReady();
  });
} else {
  await lead(import.meta.filename, async (port) => {
    const queue = new Queue("tasks", { connection: redis(port) });
    await queue.waitUntilReady();
    return async (count) => {
      for (let at = 0; at < count; at += atOnce) {
        const length = Math.min(atOnce, count - at);
        const jobs = Array.from({ length }, (_, index) => ({ name: "no-op", data: at + index }));
        const opts = { removeOnComplete: 100 };
        await queue.addBulk(jobs.map((job) => ({ ...job, opts })));
      }
    };
  });
}
