/** B6: job code in a tab can reach neither the network nor the page, nor anything that lasts. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { pyodideFolder } from "../../src/gateway/tab-python.ts";
import { noPython } from "../python/cluster.ts";
import { options, sharedChromium } from "./chromium.ts";
import { isJoined, joinIn, startCluster } from "./cluster.ts";
import { frameProbes, pythonProbes, workerProbes } from "./probes.ts";

const chromium = sharedChromium();
const noPyodide = pyodideFolder() === null ? "the package pyodide is not installed" : noPython;

type Watch = { readonly reached: string[]; readonly port: number; readonly udpPort: number };

/** Records every caller, by TCP or UDP. */
async function watch(t: TestContext): Promise<Watch> {
  const reached: string[] = [];
  const server = createServer((socket) => {
    reached.push("a connection");
    socket.on("error", () => {});
    socket.once("data", (bytes) => {
      reached.push(bytes.toString("latin1").split("\r\n")[0]!);
      socket.end("HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\ncontent-length: 0\r\n\r\n");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const udp = createSocket("udp4");
  udp.on("message", () => void reached.push("a datagram"));
  udp.bind(0, "127.0.0.1");
  await once(udp, "listening");
  t.after(() => {
    server.close();
    udp.close();
  });
  return { reached, port: (server.address() as AddressInfo).port, udpPort: udp.address().port };
}

/** An expression: the answers of all probes, by name. */
function asking(probes: Readonly<Record<string, string>>, { port, udpPort }: Watch, own: string) {
  const bodies = Object.entries(probes).map(([name, body]) => {
    const placed = body
      .replaceAll("__HTTP__", `http://127.0.0.1:${port}`)
      .replaceAll("__HTTPS__", `https://127.0.0.1:${port}`)
      .replaceAll("__WS__", `ws://127.0.0.1:${port}`)
      .replaceAll("__UDP__", `127.0.0.1:${udpPort}`)
      .replaceAll("__OWNWS__", own.replace("http", "ws"))
      .replaceAll("__OWN__", own);
    return `answers[${JSON.stringify(name)}] = await (async () => {${placed}})().catch(
      (error) => "refused: " + error);`;
  });
  return `(async () => {
    const pause = () => new Promise((resolve) => setTimeout(resolve, 300));
    const within = (promise) => Promise.race([promise, new Promise((_, reject) =>
      setTimeout(() => reject(new Error("nothing came of it")), 2_000))]);
    const answers = {};
    ${bodies.join("\n")}
    return answers;
  })()`;
}

/** A job whose only result is the answers of all probes in Python, by name. */
function askingInPython({ port }: Watch): string {
  const probes = Object.values(pythonProbes).map((body, at) => {
    const placed = body
      .replaceAll("__HTTP__", `http://127.0.0.1:${port}`)
      .replaceAll("__WS__", `ws://127.0.0.1:${port}`)
      .replaceAll("__PORT__", String(port));
    return `def probe_${at}():\n    ${placed}\n`;
  });
  return `from tequio import tasks
${probes.join("")}
probes = [${probes.map((_, at) => `probe_${at}`)}]
names = ${JSON.stringify(Object.keys(pythonProbes))}
def answer(probe):
    try:
        return str(probe())
    except BaseException as error:
        return f"refused: {type(error).__name__}: {error}"[:200]
def run(item):
    return {name: answer(probe) for name, probe in zip(names, probes)}
job = tasks(name="probes", items=[0], run=run)
`;
}

function noneOut(answers: Readonly<Record<string, string>>, count: number): void {
  const out = Object.entries(answers).filter(([, answer]) => answer.startsWith("out"));
  assert.deepEqual(out, []);
  assert.equal(Object.keys(answers).length, count);
}

test(
  "B6: no probe of job code gets a packet out, a byte stored or a word to the page",
  options,
  async (t) => {
    const seen = await watch(t);
    const { link, place, url } = await startCluster(t, "--workers", "0");
    const page = await joinIn(await chromium.newContext(t), link);
    await isJoined(page);
    await page.evaluate(`window.heard = [];
    addEventListener("message", (event) => heard.push(String(event.data)));
    window.channel = new BroadcastChannel("page");
    channel.onmessage = () => heard.push("broadcast");`);
    const job = `import { tasks } from "tequio";
    declare const postMessage: any;
    export default tasks({ name: "probes", items: () => [0], run: () => (0, eval)(
      ${JSON.stringify(asking(workerProbes, seen, url))}) });`;
    place.write("probes.ts", job);
    const { code, err, out } = await place.run("run", "probes.ts", "-o", "-");
    assert.equal(code, 0, err);
    noneOut(JSON.parse(out), Object.keys(workerProbes).length);
    if (noPyodide === false) {
      place.write("probes.py", askingInPython(seen));
      const inPython = await place.run("run", "probes.py", "-o", "-");
      assert.equal(inPython.code, 0, inPython.err);
      noneOut(JSON.parse(inPython.out), Object.keys(pythonProbes).length);
    } else t.diagnostic(`without probes in Python: ${noPyodide}`);
    assert.deepEqual(seen.reached, []);
    assert.deepEqual(await page.evaluate("heard"), []);
  },
);

test("B6: nor would code in the frame around it, where there is none", options, async (t) => {
  const seen = await watch(t);
  const { link, url } = await startCluster(t, "--workers", "0");
  const page = await joinIn(await chromium.newContext(t), link);
  await isJoined(page);
  const frame = page.frames().find((one) => one.url().endsWith("/sandbox.html"))!;
  const answers: Record<string, string> = {};
  const reached: Record<string, string[]> = {};
  for (const [name, probe] of Object.entries(frameProbes)) {
    Object.assign(answers, await frame.evaluate(asking({ [name]: probe }, seen, url)));
    // Before Chromium checks the policy whether a frame may go there, it may have opened a
    // connection; no data is sent over it.
    const said = seen.reached.splice(0).filter((what) => what !== "a connection");
    if (said.length > 0) reached[name] = said;
  }
  noneOut(answers, Object.keys(frameProbes).length);
  assert.deepEqual(reached, {});
  // Its page's policy allows no navigation: an attempt ends the frame.
  const away = `location.href = "http://127.0.0.1:${seen.port}/elsewhere"`;
  await frame.evaluate(away).catch(() => {});
  await frame.waitForLoadState().catch(() => {});
  assert.deepEqual(
    seen.reached.filter((what) => what !== "a connection"),
    [],
  );
  assert.equal(new URL(page.url()).origin, url, "the page is where it was");
});
