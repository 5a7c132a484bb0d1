/** What the kernel shows a process in the strict view, tried without the engine's permission model:
 *  that model is no wall, and must not be what makes these pass. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { InputLinks } from "../shuffle/input-links.ts";
import { bubblewrap, enginePaths } from "./mounts.ts";

/** What each probe gives, "done" or the code of its error. */
async function probe(
  inside: boolean,
  dirs: { readonly read: string; readonly write: string },
  probes: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const tries = Object.entries(probes).map(([name, code]) => {
    const tried = `try { ${code}; return "done" } catch (error) { return String(error.code) }`;
    return `results[${JSON.stringify(name)}] = await (async () => { ${tried} })();`;
  });
  const script = `import fs from "node:fs"; import net from "node:net"; const results = {};
    const dial = (to) => new Promise((done, failed) => {
      const socket = net.connect(to, () => { socket.destroy(); done(); }).on("error", failed);
    });
    ${tries.join("\n")}
    process.stdout.write(JSON.stringify(results));`;
  const view = { readable: [...enginePaths(), dirs.read], writable: dirs.write };
  const node = [process.execPath, "--input-type=module", "-e", script];
  const [command, ...args] = inside ? [...bubblewrap(view), ...node] : node;
  const ran = await promisify(execFile)(command as string, args, { cwd: dirs.write });
  return JSON.parse(ran.stdout) as Record<string, string>;
}

function canRun(): boolean {
  const view = { readable: enginePaths(), writable: tmpdir() };
  const [command, ...args] = [...bubblewrap(view), process.execPath, "--version"];
  return spawnSync(command as string, args).status === 0;
}

async function listening(t: TestContext, at: string | number): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  if (typeof at === "number") server.listen(at, "127.0.0.1");
  else server.listen(at);
  await once(server, "listening");
  t.after(() => void server.close());
  return typeof at === "number" ? (server.address() as { port: number }).port : 0;
}

test("X5: in strict the kernel refuses what is beside a task's files", async (t) => {
  if (!canRun()) return t.skip("bubblewrap is not installed, or may make no namespaces here");
  const dir = mkdtempSync(join(tmpdir(), "view-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const [read, write, other] = ["read", "write", "other"].map((name) => {
    mkdirSync(join(dir, name));
    return join(dir, name);
  }) as [string, string, string];
  const input = join(dir, "input.txt");
  writeFileSync(input, "as submitted");
  writeFileSync(join(other, "scratch"), "of another task");
  const link = new InputLinks(read).add(input);
  assert.notEqual(link, null);
  const abstract = `\0tequio-probe-${randomUUID()}`;
  await listening(t, join(dir, "socket"));
  await listening(t, abstract);
  const port = await listening(t, 0);
  const quoted = (...parts: string[]) => JSON.stringify(join(...parts));
  const probes = {
    "reads its input": `fs.readFileSync(${JSON.stringify(link)})`,
    "writes its scratch": `fs.writeFileSync("x", "")`,
    "a file beside its inputs": `fs.readFileSync(${JSON.stringify(input)})`,
    "a writable name of an input": `fs.appendFileSync(${JSON.stringify(link)}, "")`,
    "another task's scratch": `fs.readFileSync(${quoted(other, "scratch")})`,
    "a socket file": `await dial(${quoted(dir, "socket")})`,
    "an abstract socket": `await dial(${JSON.stringify(abstract)})`,
    "a port on loopback": `await dial({ port: ${port}, host: "127.0.0.1" })`,
    "a process of the host": `process.kill(${process.pid}, 0)`,
    "a file of the host's": `fs.writeFileSync(${quoted(dir, "made")}, "")`,
  };
  // Outside of the view each of them works, or it would show nothing.
  const outside = await probe(false, { read, write }, probes);
  assert.deepEqual(new Set(Object.values(outside)), new Set(["done"]), JSON.stringify(outside));
  rmSync(join(dir, "made"));
  const inside = await probe(true, { read, write }, probes);
  assert.deepEqual(inside, {
    "reads its input": "done",
    "writes its scratch": "done",
    "a file beside its inputs": "ENOENT",
    "a writable name of an input": "EROFS",
    "another task's scratch": "ENOENT",
    "a socket file": "ENOENT",
    "an abstract socket": "ECONNREFUSED",
    "a port on loopback": "ECONNREFUSED",
    "a process of the host": "ESRCH",
    "a file of the host's": "EROFS",
  });
  assert.equal(readFileSync(input, "utf8"), "as submitted");
});
