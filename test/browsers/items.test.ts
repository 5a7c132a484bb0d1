/** The items of a tab's tasks while some of them are wanted no more. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { TaskInputs } from "../../src/worker/browser/tab/inputs.ts";

type Task = Parameters<TaskInputs["order"]>[0];
type Limits = ConstructorParameters<typeof TaskInputs>[0];
type Python = ConstructorParameters<typeof TaskInputs>[1];

const plan = '{"version":1,"files":[],"splits":[],"items":null,"params":{},"reducers":0}';
/** U+2028 ends no line here. */
const texts = ['"a"', '"b\u2028[9,1]"', '{"c":[1,2]}', "4"];
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

test("a tab computes each task with its own item, whichever are still wanted", async (t) => {
  const wanted = [1, 3];
  const answers: Record<string, string> = {
    "/t/k/plan": plan,
    "/t/k/code": "",
    "/t/k/in/0": wanted.map((task) => `${texts[task]}\n`).join(""),
    "/t/k/in/numbered": wanted.map((task) => `[${task},${texts[task]}]\n`).join(""),
  };
  const server = createServer((request, response) => {
    response.end(answers[(request.url ?? "").split("?")[0] as string]);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const limits = { keptMaxBytes: 1_000_000, filesMaxBytes: 1_000_000 } as Limits;
  const inputs = new TaskInputs(limits, {} as Python, Promise.resolve(null));
  const task = {
    kind: "tasks",
    stage: 0,
    place: "/t/k",
    planHash: sha256(plan),
    codeHash: sha256(""),
    attempts: [0, 1, 2, 3].map((one) => [one, 1] as const),
  } as unknown as Task;
  const { attempts, items } = await inputs.order(task, {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    signal: new AbortController().signal,
    patienceMs: waitMaxMs,
    moved: () => {},
  });
  assert.deepEqual(
    attempts.map((attempt, i) => [attempt.task, items[i]]),
    wanted.map((one) => [one, texts[one]]),
  );
});
