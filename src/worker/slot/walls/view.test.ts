/** What the kernel shows a process in the strict view, tried without the engine's permission model:
 *  that model is no wall, and must not be what makes these pass. Each launcher is tried as the user
 *  that runs the tests, and by root also as an ordinary user. */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { temporaryDir } from "../../../store/testing/at-end.ts";
import { InputLinks } from "../../shuffle/input-links.ts";
import { onlyChild } from "../memory.ts";
import { ownUser, probeSandbox } from "../sandbox-node.ts";
import { startProcess } from "../testing.ts";
import { bubblewrap } from "./bubblewrap.ts";
import { pivotRoot } from "./pivot.ts";
import { enginePaths, findTool, type Launcher } from "./view.ts";

const ordinary = 65534;
const processMax = 32;
const isRoot = process.getuid?.() === 0;

type Way = {
  readonly name: string;
  readonly launcher: Launcher | null;
  /** The launcher runs as an ordinary user. */
  readonly demoted: boolean;
};

const ways: Way[] = [false, ...(isRoot ? [true] : [])].flatMap((demoted) => {
  const as = isRoot && !demoted ? "root" : "an ordinary user";
  return [
    { name: `bubblewrap as ${as}`, launcher: bubblewrap(findTool), demoted },
    { name: `pivot_root as ${as}`, launcher: pivotRoot(findTool, isRoot && !demoted), demoted },
  ];
});

type Place = { readonly dir: string; readonly read: string; readonly write: string };

function placeFor(t: TestContext, { demoted }: Way): Place {
  const dir = temporaryDir(t, "view-");
  const place = { dir, read: join(dir, "read"), write: join(dir, "write") };
  for (const folder of [place.read, place.write, join(dir, "root"), join(dir, "other")]) {
    mkdirSync(folder);
  }
  if (demoted) for (const path of [dir, place.write]) chownSync(path, ordinary, ordinary);
  return place;
}

/** The command that runs Node in a view. */
function inView(way: Way, { dir, read, write }: Place, node: readonly string[]): string[] {
  const launcher = way.launcher!;
  const engine = [engineFor(way, dir), ...enginePaths().slice(1)];
  const command = [engine[0] as string, ...node];
  const uid = ownUser(launcher, write);
  const rootDir = join(dir, "root");
  const paths = { engine, readable: [read], writable: write, rootDir };
  const view = { command, ...paths, uid, processMax };
  const ids = [`--reuid=${ordinary}`, `--regid=${ordinary}`, "--clear-groups"];
  return [...(way.demoted ? ["setpriv", ...ids, "--"] : []), ...launcher.launch(view)];
}

/** An ordinary user might not reach the folder of this Node. */
function engineFor({ demoted }: Way, dir: string): string {
  if (!demoted) return process.execPath;
  const path = join(dir, "node");
  if (existsSync(path)) return path;
  try {
    linkSync(process.execPath, path);
  } catch {
    copyFileSync(process.execPath, path);
  }
  return path;
}

/** Why a way cannot be tried here; null when it can. */
function obstacle(t: TestContext, way: Way): string | null {
  if (process.platform !== "linux") return "only Linux has mount namespaces";
  if (way.launcher === null) return "its programs are not installed";
  const [command, ...args] = inView(way, placeFor(t, way), ["--version"]);
  const { status, stderr } = spawnSync(command as string, args, { encoding: "utf8" });
  return status === 0 ? null : `this host does not allow it: ${stderr.trim()}`;
}

/** What each probe gives, "done" or the code of its error. */
async function probe(
  [command, ...args]: readonly string[],
  cwd: string,
): Promise<Record<string, unknown>> {
  const ran = await promisify(execFile)(command as string, args, { cwd });
  return JSON.parse(ran.stdout) as Record<string, unknown>;
}

function scriptOf(probes: Readonly<Record<string, string>>): string[] {
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
  return ["--input-type=module", "-e", script];
}

async function listening(t: TestContext, at: string | number): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  if (typeof at === "number") server.listen(at, "127.0.0.1");
  else server.listen(at);
  await once(server, "listening");
  t.after(() => void server.close());
  return typeof at === "number" ? (server.address() as { port: number }).port : 0;
}

for (const way of ways) {
  test(`X5: in strict the kernel refuses what is beside a task's files: ${way.name}`, async (t) => {
    const why = obstacle(t, way);
    if (why !== null) return t.skip(why);
    const place = placeFor(t, way);
    const { dir, read } = place;
    const input = join(dir, "input.txt");
    writeFileSync(input, "as submitted");
    // By its mode alone it could be written.
    chmodSync(input, 0o666);
    writeFileSync(join(dir, "other", "scratch"), "of another task");
    const link = new InputLinks(read, false).add(input);
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
      "another task's scratch": `fs.readFileSync(${quoted(dir, "other", "scratch")})`,
      "a socket file": `await dial(${quoted(dir, "socket")})`,
      "an abstract socket": `await dial(${JSON.stringify(abstract)})`,
      "a port on loopback": `await dial({ port: ${port}, host: "127.0.0.1" })`,
      "a process of the host": `process.kill(${process.pid}, 0)`,
      "a file of the host's": `fs.writeFileSync(${quoted(dir, "made")}, "")`,
    };
    // Outside of the view each of them works, or it would show nothing.
    const script = scriptOf(probes);
    const outside = await probe([process.execPath, ...script], place.write);
    assert.deepEqual(new Set(Object.values(outside)), new Set(["done"]), JSON.stringify(outside));
    for (const made of [join(dir, "made"), join(place.write, "x")]) rmSync(made);
    const inside = await probe(inView(way, place, script), place.write);
    assert.deepEqual(inside, {
      "reads its input": "done",
      "writes its scratch": "done",
      "a file beside its inputs": "ENOENT",
      "a writable name of an input": "EROFS",
      "another task's scratch": "ENOENT",
      "a socket file": "ENOENT",
      "an abstract socket": "ECONNREFUSED",
      // bubblewrap brings a loopback of its own up.
      "a port on loopback": way.launcher?.name === "bubblewrap" ? "ECONNREFUSED" : "ENETUNREACH",
      "a process of the host": "ESRCH",
      "a file of the host's": "EROFS",
    });
    assert.equal(readFileSync(input, "utf8"), "as submitted");
  });

  test(`X5: the view has no rights and nothing of the host's root: ${way.name}`, async (t) => {
    const why = obstacle(t, way);
    if (why !== null) return t.skip(why);
    const place = placeFor(t, way);
    const script = `const status = fs.readFileSync("/proc/self/status", "utf8");
      const line = (name) => status.match(new RegExp("^" + name + ":\\t(.*)$", "m"))[1];
      const mounts = fs.readFileSync("/proc/self/mountinfo", "utf8").trim().split("\\n");
      const at = mounts.map((line) => line.split(" ")).map((f) => [f[4], f[5].split(",")[0]]);
      const names = (path) => { try { return fs.readdirSync(path); } catch { return []; } };
      process.stdout.write(JSON.stringify({ pid: process.pid, at, host: names("/host"),
        rights: ["CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs"].map(line),
        threads: fs.readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name)) }));`;
    const node = ["--input-type=module", "-e", `import fs from "node:fs"; ${script}`];
    const seen = await probe(["setpriv", "--no-new-privs", ...inView(way, place, node)], place.dir);
    assert.equal(seen.pid, 1);
    assert.deepEqual(seen.threads, ["1"]);
    assert.deepEqual(seen.rights, [...Array(4).fill("0".repeat(16)), "1"]);
    assert.deepEqual(seen.host, []);
    const at = seen.at as [string, string][];
    const writable = at.filter(([path, mode]) => mode === "rw" && !path.startsWith("/dev/"));
    const paths = new Set(writable.map(([path]) => path));
    assert.deepEqual(paths, new Set([place.write, "/proc"]));
  });

  test(`X5: endless processes are held at the limit, and end with it: ${way.name}`, async (t) => {
    const why = obstacle(t, way);
    if (why !== null) return t.skip(why);
    if (isRoot && !way.demoted && !way.launcher?.hasOwnUsers) {
      return t.skip("the kernel bounds no processes of root's");
    }
    const place = placeFor(t, way);
    const script = `import { spawn } from "node:child_process"; import fs from "node:fs";
      const start = () => new Promise((done) => {
        const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1e6)"],
          { stdio: "ignore" });
        child.once("spawn", () => done(null)).once("error", (error) => done(error.code));
      });
      const threads = () => fs.readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))
        .map((pid) => { try { return fs.readdirSync("/proc/" + pid + "/task").length; }
          catch { return 0; } }).reduce((a, b) => a + b);
      process.stdin.once("data", async () => {
        let failed = null, most = 0;
        for (let n = 0; n < 40 && failed === null; n++) {
          failed = await start();
          most = Math.max(most, threads());
        }
        console.log(JSON.stringify({ failed, most }));
        process.stdin.once("data", () => {});
      });
      console.log("ready");`;
    const [command, ...args] = inView(way, place, ["--input-type=module", "-e", script]);
    const child = spawn(command as string, args, { stdio: ["pipe", "pipe", "ignore"] });
    t.after(() => child.kill("SIGKILL"));
    assert.equal(await lineOf(child), "ready");
    const pid = onlyChild(child.pid ?? 0);
    if (!way.launcher?.boundsProcesses) {
      const ids = way.demoted ? [`--reuid=${ordinary}`, `--regid=${ordinary}`] : [];
      const limit = ["prlimit", `--pid=${pid}`, `--nproc=${processMax}`];
      const [, ...args] = way.demoted ? ["", ...ids, "--clear-groups", "--", ...limit] : limit;
      const ran = spawnSync(way.demoted ? "setpriv" : "prlimit", args, { encoding: "utf8" });
      assert.equal(ran.status, 0, ran.stderr);
    }
    child.stdin?.write("go\n");
    const { failed, most } = JSON.parse(await lineOf(child)) as { failed: string; most: number };
    assert.equal(failed, "EAGAIN");
    assert.ok(most <= processMax, `${most} processes and threads`);
    const family = [pid, ...childrenOf(pid)];
    assert.ok(family.length > 1, "it had started none");
    process.kill(pid, "SIGKILL");
    await once(child, "close");
    assert.deepEqual(family.filter(isThere), []);
  });

  test(`SIGTERM to every process ends no task: ${way.name}`, async (t) => {
    const why = obstacle(t, way);
    if (why !== null) return t.skip(why);
    const script = `process.on("SIGTERM", () => {}); console.log("ready");
      process.stdin.on("data", () => console.log("here"));`;
    const command = inView(way, placeFor(t, way), ["--input-type=module", "-e", script]);
    const child = spawn(command[0] as string, command.slice(1), { stdio: ["pipe", "pipe", 2] });
    t.after(() => child.kill("SIGKILL"));
    assert.equal(await lineOf(child), "ready");
    for (const pid of [child.pid ?? 0, onlyChild(child.pid ?? 0)]) process.kill(pid, "SIGTERM");
    const ended = once(child, "exit").then(([, signal]) => `ended by ${signal}`);
    child.stdin?.write("go\n");
    assert.equal(await Promise.race([lineOf(child), ended]), "here");
    child.kill("SIGKILL");
    await ended;
  });
}

test("strict takes pivot_root where bubblewrap is not installed", async (t) => {
  const way = ways[1] as Way;
  const why = obstacle(t, way);
  if (why !== null) return t.skip(why);
  const without = (name: string) => (name === "bwrap" ? null : findTool(name));
  const { profile, launcher, processMax: max } = await probeSandbox("strict", without);
  assert.deepEqual([profile, launcher?.name, max], ["strict", "pivot_root", 64]);
});

test("X5: a task process in strict has its limit, and under root a user of its own", async (t) => {
  const { profile, launcher, processMax: max } = await probeSandbox("auto");
  if (profile !== "strict" || max === 0) return t.skip(`no limit can be had here (${profile})`);
  const pids = [await startProcess(t, { run: "" }), await startProcess(t, { run: "" })].map(
    (task) => task.pid,
  );
  const users = pids.map((pid) => {
    const limits = readFileSync(`/proc/${pid}/limits`, "latin1");
    assert.match(limits, new RegExp(`^Max processes +${max} +${max} `, "m"));
    return /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  });
  if (!launcher?.hasOwnUsers) return;
  assert.equal(new Set([...users, "0"]).size, 3, String(users));
});

test("a root worker with a private umask gives processes no user of their own", async (t) => {
  if (!isRoot || process.platform !== "linux") return t.skip("only root gives users");
  const before = process.umask(0o077);
  t.after(() => void process.umask(before));
  const { launcher } = await probeSandbox("auto");
  assert.notEqual(launcher?.hasOwnUsers, true);
});

test("a process with a user of its own is linked only inputs that all users may read", (t) => {
  const dir = temporaryDir(t, "view-");
  const input = join(dir, "input.txt");
  writeFileSync(input, "private", { mode: 0o600 });
  assert.equal(new InputLinks(dir, true).add(input), null);
  assert.notEqual(new InputLinks(dir, false).add(input), null);
  chmodSync(input, 0o644);
  assert.notEqual(new InputLinks(dir, true).add(input), null);
});

async function lineOf(child: ChildProcess): Promise<string> {
  const [data] = (await once(child.stdout!, "data")) as [Buffer];
  return data.toString().trim();
}

function childrenOf(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.flatMap((task) => {
    const text = readFileSync(`/proc/${pid}/task/${task}/children`, "latin1").trim();
    return text === "" ? [] : text.split(" ").map(Number);
  });
}

function isThere(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
