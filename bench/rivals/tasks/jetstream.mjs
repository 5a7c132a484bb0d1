/** No-op tasks on a work queue of NATS JetStream: `node jetstream.mjs <port>`; see
 *  worker-processes.mjs. */
import {
  AckPolicy,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { lead, work } from "./worker-processes.mjs";

const stream = "tasks";
const atOnce = 500;

async function ensure(connection) {
  const manager = await jetstreamManager(connection);
  const retention = RetentionPolicy.Workqueue;
  const storage = StorageType.File;
  await manager.streams.add({ name: stream, subjects: ["task"], retention, storage });
  const ack_policy = AckPolicy.Explicit;
  const options = { durable_name: "workers", ack_policy, max_ack_pending: 20_000 };
  await manager.consumers.add(stream, options);
}

const servers = (port) => ({ servers: `127.0.0.1:${port}` });

if (process.argv[2] === "worker") {
  await work(async (done, port) => {
    const connection = await connect(servers(port));
    await ensure(connection);
    const consumer = await jetstream(connection).consumers.get(stream, "workers");
    const messages = await consumer.consume({ max_messages: atOnce });
    (async () => {
      for await (const message of messages) {
        message.ack();
        done();
      }
    })();
  });
} else {
  await lead(import.meta.filename, async (port) => {
    const connection = await connect(servers(port));
    await ensure(connection);
    const js = jetstream(connection);
    return async (count) => {
      for (let at = 0; at < count; at += atOnce) {
        const length = Math.min(atOnce, count - at);
        await Promise.all(
          Array.from({ length }, (_, index) => js.publish("task", `${at + index}`)),
        );
      }
    };
  });
}
