/** `tequio scale` on this machine, and by a real sshd on loopback: workers come while tasks wait,
 *  and go when they do not. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { freePort } from "../fixtures/free-port.ts";
import { Place } from "../fixtures/place.ts";
import { programFile } from "../fixtures/programs.ts";
import { Started } from "../fixtures/started.ts";

const job = `import { tasks } from "tequio";
export default tasks({
  items: [1, 2, 3, 4, 5, 6],
  async run(n) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return n * n;
  },
});`;

async function clusterOf(t: TestContext): Promise<Place> {
  const place = new Place(t, { "job.ts": job });
  const up = place.start("up", "--workers", "0", "--listen", "127.0.0.1:0", "--json");
  await up.said("}\n");
  return place;
}

const quick = ["--every", "100ms", "--hold", "200ms", "--json"];

/** Runs a job on what `scale` brings, waits until it is gone again, and ends `scale`. */
async function scaled(
  place: Place,
  args: readonly string[],
  ssh: readonly string[] = [],
): Promise<void> {
  const scale = place.start("scale", ...args, ...quick, ...ssh);
  await scale.said('"kind":"started"');
  const run = await place.run("run", "job.ts", "-o", "-");
  assert.equal(run.code, 0, run.err);
  assert.equal(run.out.trim().split("\n").length, 6);
  await scale.said('"change":-');
  scale.child.kill("SIGTERM");
  const ended = await scale.ended;
  assert.equal(ended.code, 0, ended.err);
  const { out } = await place.run("workers", "--all", "--json");
  const list = JSON.parse(out) as ReadonlyArray<{ state: string; lost?: { reason: string } }>;
  assert.ok(list.length >= 1);
  assert.ok(
    list.every(({ state }) => state === "lost"),
    out,
  );
  assert.ok(
    list.some(({ lost }) => lost?.reason === "bye"),
    "it has left in good order",
  );
}

test("workers of this machine come for a job, and go after it", async (t) => {
  const place = await clusterOf(t);
  await scaled(place, ["local", "--max", "1"]);
  const dry = await place.run("scale", "slurm", "--max", "7", "--dry-run", "--", "--time=5");
  assert.equal(dry.code, 2, "workers elsewhere cannot reach this coordinator");
  assert.match(dry.err, /listens only on this machine/);
  const at = ["--join", "https://pc:7070", "--max", "7"];
  const script = await place.run("scale", "slurm", ...at, "--dry-run", "--", "--time=5");
  assert.match(script.out, /^#SBATCH --array=1-7$/m);
  assert.match(script.out, /^#SBATCH --time=5$/m);
  assert.doesNotMatch(script.out, /mrt_/);
});

const sshd = [process.env.SSHD ?? "", "/usr/sbin/sshd"].find((path) => path && existsSync(path));
const skip = sshd === undefined ? "no sshd: set SSHD to the path of one" : false;

test("workers come and go by ssh", { skip }, async (t) => {
  const place = await clusterOf(t);
  const port = await startSshd(t, place.dir);
  const login = `${userInfo().username}@127.0.0.1`;
  const program = `'${process.execPath}' '${programFile("tequio")}'`;
  const url = JSON.parse(place.read("data/endpoint.json")).url as string;
  const ssh = ["-F", "none", "-p", String(port), "-i", join(place.dir, "ssh", "key")];
  const hosts = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"];
  const where = ["ssh", "--hosts", login, "--max", "1", "--program", program, "--join", url];
  await scaled(place, where, ["--", ...ssh, ...hosts]);
});

/** For the user of this test, with a key of its own. */
async function startSshd(t: TestContext, dir: string): Promise<number> {
  // What the service of the system makes: as root sshd does not start without it.
  if (userInfo().uid === 0) mkdirSync(join("/run", "sshd"), { recursive: true, mode: 0o755 });
  const folder = join(dir, "ssh");
  mkdirSync(folder, { mode: 0o700 });
  for (const name of ["host", "key"]) {
    const made = ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)];
    assert.equal(spawnSync("ssh-keygen", made).status, 0);
  }
  const keys = join(folder, "authorized");
  writeFileSync(keys, readFileSync(join(folder, "key.pub")), { mode: 0o600 });
  const port = await freePort();
  const lines = [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${join(folder, "host")}`,
    `AuthorizedKeysFile ${keys}`,
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "PermitRootLogin prohibit-password",
    "PidFile none",
  ];
  const config = join(folder, "config");
  writeFileSync(config, `${lines.join("\n")}\n`);
  await Started.during(t, [sshd!, "-D", "-e", "-f", config]).said("Server listening");
  return port;
}
