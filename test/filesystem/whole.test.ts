/** All protocols as one system: a file that a program of the filesystem protocol has put is mapped
 *  by a browser tab and a Node worker together, and its result is fetched over P4's port by a user
 *  of the console; byte for byte what the judge gives. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Client } from "../../src/coordinator/edges/filesystem/testing/client.ts";
import { pyodideFolder } from "../../src/gateway/tab-python.ts";
import { options as common, sharedChromium } from "../browsers/chromium.ts";
import { hasDone, isJoined, joinIn, startCluster } from "../browsers/cluster.ts";
import { noPython } from "../python/cluster.ts";

const chromium = sharedChromium();
const noPyodide = pyodideFolder() === null ? "the package pyodide is not installed" : false;
const options = { ...common, skip: common.skip || noPython || noPyodide };

const words = `from tequio import map_reduce
def words(line, emit, context):
    n = 0
    for i in range(context.params["spin"]):
        n = (n * 31 + i) % 1000003
    emit.each(line.split())
job = map_reduce(map=words, combine=lambda a, b: a + b, params={"spin": 30000})
`;

test(
  "put by protocol 1, mapped by a tab and a worker, got by a user of the console",
  options,
  async (t) => {
    const doors = ["--filesystem", "0", "--console-port", "0"];
    const cluster = await startCluster(t, "--workers", "0", ...doors);
    const { link, place, token, url } = cluster;
    const content = "the quick brown fox 海 jumps\nZebra ünïcode lazy dog\n".repeat(300);
    place.write("words.py", words);
    place.write("map_data", content);
    const filesystem = new Client(cluster.ports.filesystem!);
    const put = await filesystem.put("./j1/map_data", [Buffer.from(content)]);
    assert.equal(put.name, "OK");

    const args = "--reducers 1 --split-bytes 500".split(" ");
    const running = place.run("run", "words.py", "shared:j1/map_data", ...args, "-o", "out");
    const page = await joinIn(await chromium.newContext(t), link);
    await isJoined(page);
    await hasDone(page);
    place.start("join", url, "--token", token, "--slots", "1");
    const run = await running;
    assert.equal(run.code, 0, run.err);
    const alone = ["map_data", ...args, "-o", "-", "--sequential"];
    const judged = await place.run("run", "words.py", ...alone);
    const result = place.read("out/part-00000.ndjson");
    assert.equal(result, judged.out);

    const peer = place.start("share", "out", "--as", "ana", "--allow-anonymous", "--json");
    await peer.said("]}\n");
    const fetched = await place.run("get", "out/part-00000.ndjson", "-o", "-");
    assert.equal(fetched.out, judged.out, fetched.err);
    const port = String(cluster.ports.console);
    const user = place.start("console", "-s", "127.0.0.1", "-p", port, "--auto-disconnect");
    const typed = ["REGISTER eva", "CONNECT eva", "LIST_USERS", "LIST_CONTENT ana"];
    typed.push("GET_FILE ana out/part-00000.ndjson copy.ndjson");
    user.child.stdin?.end(`${typed.join("\n")}\nQUIT\n`);
    const { code, out } = await user.ended;
    assert.equal(code, 0, out);
    assert.equal(readFileSync(join(place.dir, "copy.ndjson"), "utf8"), judged.out, out);
  },
);
