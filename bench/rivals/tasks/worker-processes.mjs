/** What the task rivals share: a program that takes orders as lines, and its two workers.
 *
 *  `{"count":1000}` on standard input is answered by `{"ms":123.4}`: from adding the tasks until
 *  the last of them is done. The programs live from round to round: the time to start them is not
 *  counted for any rival. */
import { fork } from "node:child_process";
import { createInterface } from "node:readline";

const workers = 2;

/** `connect` returns `add(count)`, which puts that many tasks into the queue. */
export async function lead(file, connect) {
  let done = 0;
  let wake = () => {};
  const ready = [];
  for (let number = 0; number < workers; number++) {
    const worker = fork(file, ["worker", ...process.argv.slice(2)]);
    ready.push(new Promise((resolve) => worker.once("message", resolve)));
    worker.on("message", ({ count = 0 }) => {
      done += count;
      wake();
    });
  }
  const add = await connect(...process.argv.slice(2));
  await Promise.all(ready);
  process.stdout.write('{"ready":true}\n');
  for await (const line of createInterface({ input: process.stdin })) {
    const { count } = JSON.parse(line);
    done = 0;
    const startedMs = performance.now();
    await add(count);
    while (done < count) await new Promise((resolve) => (wake = resolve));
    process.stdout.write(`${JSON.stringify({ ms: performance.now() - startedMs })}\n`);
  }
  process.exit();
}

/** `start` is given what it calls after each task that is done for good. */
export async function work(start) {
  let count = 0;
  process.on("disconnect", () => process.exit());
  await start(
    () => {
      // Many in one message, but at once when there is only one.
      if (count++ > 0) return;
      setImmediate(() => {
        process.send({ count });
        count = 0;
      });
    },
    ...process.argv.slice(3),
  );
  process.send({ ready: true });
}
