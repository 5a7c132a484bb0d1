/** How many calls a command makes, counted by a server between it and the coordinator: over a slow
 *  network each of them is waited for. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, request } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { opened } from "../../src/coordinator/testing/opened.ts";
import { atEnd } from "../../src/store/testing/at-end.ts";
import { Place } from "../fixtures/place.ts";
import { noPython } from "../python/cluster.ts";

const callsMax = 4;

const jobs: Readonly<
  Record<string, readonly [file: string, text: string, skip?: typeof noPython]>
> = {
  "a list of tasks": [
    "list.ts",
    `import { tasks } from "tequio";
export default tasks({ items: [1, 2, 3], run: (item: number) => item });
`,
  ],
  "a map/reduce job": [
    "words.ts",
    `import { mapReduce } from "tequio";
export default mapReduce({ map: (line: string, emit) => emit(line, 1), combine: (a, b) => a + b });
`,
  ],
  "a job in Python": [
    "words.py",
    "from tequio import map_reduce\njob = map_reduce(map=lambda line, emit: emit(line, 1))\n",
    noPython,
  ],
};

/** Passes calls on to `to` and lists them, in the order of their arrival. */
async function counting(t: TestContext, to: string) {
  const calls: string[] = [];
  const pass: RequestListener = (call, answer) => {
    const { headers, method = "", url = "" } = call;
    calls.push(`${method} ${url}`);
    const target = new URL(url, to);
    const passed = request(target, { method, headers: { ...headers, host: target.host } });
    passed.once("response", (from) => {
      answer.writeHead(from.statusCode ?? 502, from.headers);
      from.pipe(answer);
    });
    passed.once("error", () => answer.destroy());
    call.pipe(passed);
  };
  const server = createServer(pass).listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(t, () => {
    server.close();
    server.closeAllConnections();
  });
  return { calls, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

for (const [what, [file, text, skip = false]] of Object.entries(jobs)) {
  test(`run makes at most ${callsMax} calls before ${what} is accepted`, { skip }, async (t) => {
    const cluster = await opened(t);
    const { calls, url } = await counting(t, cluster.url);
    const place = new Place(t, { [file]: text, "in.txt": "a\nb\na\n" });
    const inputs = text.includes("tasks") ? [] : ["in.txt"];
    const at = ["--url", url, "--token", cluster.coordinator.adminToken, "--detach"];
    const { code, err } = await place.run("run", file, ...inputs, ...at);
    assert.equal(code, 0, err);
    const accepted = calls.findIndex((call) => call.startsWith("POST /v1/jobs"));
    assert.ok(accepted >= 0, calls.join("\n"));
    assert.ok(accepted + 1 <= callsMax, calls.slice(0, accepted + 1).join("\n"));
    t.diagnostic(calls.join(", "));
  });
}
