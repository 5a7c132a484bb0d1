/** Others that send a file from one process to another: those that are installed. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../test/fixtures/free-port.ts";
import { Started } from "../../test/fixtures/started.ts";
import type { BenchOptions, Contestant } from "../case.ts";

export type Rival = Contestant & {
  /** Where it puts the file. */
  readonly fetched: string;
  stop(): Promise<void>;
};

const loopback = "127.0.0.1";

export async function presentServers(
  source: string,
  dir: string,
  options: BenchOptions,
): Promise<Rival[]> {
  const rivals: Rival[] = [];
  for (const [name, programs, make] of [
    ["nginx + curl", ["nginx", "curl"], nginx],
    ["aria2", ["aria2c"], aria2],
    ["rsync", ["rsync"], rsync],
  ] as const) {
    const missing = programs.find((program) => !isPresent(program));
    if (missing !== undefined) options.say(`${name}: left out, ${missing} is not installed`);
    else rivals.push(await make(source, dir));
  }
  return rivals;
}

/** Servers lie where only the administrator's PATH leads. */
const path = `${process.env.PATH}:${join("/", "usr", "sbin")}`;

export function isPresent(program: string): boolean {
  try {
    execFileSync("which", [program], { env: { PATH: path }, stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function run(program: string, args: readonly string[]): Started {
  return new Started([program, ...args], { env: { PATH: path } });
}

async function done(program: string, args: readonly string[]): Promise<void> {
  const { code, err } = await run(program, args).ended;
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}: ${err}`);
}

/** Tries until the server answers. */
async function reachable(port: number): Promise<void> {
  const { connect } = await import("node:net");
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, loopback);
    const isOpen = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "error").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
    await delay(25);
  }
  throw new Error(`nothing listens at port ${port}`);
}

/** nginx at its best here: with sendfile curl takes 1.3 times as much of its processor to receive
 *  the file, page by page, and curl is what bounds the two. */
async function nginx(source: string, dir: string): Promise<Rival> {
  const port = await freePort();
  const home = join(dir, "nginx");
  mkdirSync(home);
  symlinkSync(source, join(home, "content"));
  const user = process.getuid?.() === 0 ? "user root;" : "";
  writeFileSync(
    join(home, "nginx.conf"),
    `${user} daemon off; worker_processes 1; pid ${home}/pid; error_log ${home}/errors;
     events { worker_connections 64; }
     http { access_log off; sendfile off; output_buffers 2 1m; tcp_nodelay on;
       client_body_temp_path ${home}/a; proxy_temp_path ${home}/b;
       fastcgi_temp_path ${home}/c; uwsgi_temp_path ${home}/d; scgi_temp_path ${home}/e;
       server { listen ${loopback}:${port}; root ${home}; } }`,
  );
  const server = run("nginx", ["-c", join(home, "nginx.conf"), "-p", home]);
  await reachable(port);
  const fetched = join(dir, "got-nginx");
  return {
    name: "nginx + curl",
    fetched,
    run: async () => {
      rmSync(fetched, { force: true });
      await done("curl", ["-sf", "-o", fetched, `http://${loopback}:${port}/content`]);
    },
    stop: async () => void (await server.stop()),
  };
}

/** Serves `dir` as "files". */
async function rsyncDaemon(dir: string): Promise<{ port: number; server: Started }> {
  const port = await freePort();
  const config = join(dir, `rsyncd-${port}.conf`);
  const user = process.getuid?.() === 0 ? "uid = root\ngid = root\n" : "";
  writeFileSync(config, `${user}use chroot = no\n[files]\npath = ${dir}\n`);
  const args = ["--daemon", "--no-detach", `--config=${config}`, `--port=${port}`];
  const server = run("rsync", [...args, `--address=${loopback}`]);
  await reachable(port);
  return { port, server };
}

/** A folder with times and rights, without comparing what is there by parts. */
export async function rsyncFolder(source: string, dir: string): Promise<Rival> {
  const { port, server } = await rsyncDaemon(dir);
  const fetched = join(dir, "got-folder-rsync");
  const from = `rsync://${loopback}:${port}/files/${source.slice(dir.length + 1)}`;
  return {
    name: "rsync",
    isRival: true,
    fetched,
    run: async () => {
      rmSync(fetched, { recursive: true, force: true });
      await done("rsync", ["--archive", "--whole-file", from, fetched]);
    },
    stop: async () => void (await server.stop()),
  };
}

async function rsync(source: string, dir: string): Promise<Rival> {
  const { port, server } = await rsyncDaemon(dir);
  const fetched = join(dir, "got-rsync");
  const name = source.slice(dir.length + 1);
  return {
    name: "rsync",
    fetched,
    run: async () => {
      rmSync(fetched, { force: true });
      const from = `rsync://${loopback}:${port}/files/${name}`;
      await done("rsync", ["--inplace", "--whole-file", from, fetched]);
    },
    stop: async () => void (await server.stop()),
  };
}

const torrentPieceBytes = 1 << 20;

/** A seeder, a downloader a round, and a tracker that sends each the address of the other. */
async function aria2(source: string, dir: string): Promise<Rival> {
  const [seedPort, leechPort] = [await freePort(), await freePort()];
  const peers = Buffer.concat([addressBytes(seedPort), addressBytes(leechPort)]);
  const reply = bencode({ interval: 5, complete: 1, incomplete: 1, peers });
  const tracker = createServer((_ask, answer) => answer.end(reply)).listen(0, loopback);
  await once(tracker, "listening");
  const { port } = tracker.address() as { port: number };
  const torrent = join(dir, "content.torrent");
  const name = source.slice(source.lastIndexOf("/") + 1);
  writeFileSync(torrent, torrentOf(source, `http://${loopback}:${port}/announce`));
  const shared = ["--enable-dht=false", "--bt-enable-lpd=false", "--enable-peer-exchange=false"];
  shared.push("--quiet", "--file-allocation=none", "--allow-overwrite=true");
  const seeding = ["--seed-ratio=0.0", "--bt-seed-unverified=true", "--check-integrity=false"];
  const seeder = run("aria2c", [
    ...[...shared, ...seeding, `--listen-port=${seedPort}`, `--dir=${dir}`, torrent],
  ]);
  await reachable(seedPort);
  const home = join(dir, "aria2");
  return {
    name: "aria2",
    fetched: join(home, name),
    run: async () => {
      rmSync(home, { recursive: true, force: true });
      const leech = [`--listen-port=${leechPort}`, `--dir=${home}`, "--seed-time=0", torrent];
      await done("aria2c", [...shared, ...leech]);
    },
    async stop() {
      await seeder.stop("SIGKILL");
      tracker.closeAllConnections();
      tracker.close();
    },
  };
}

function addressBytes(port: number): Buffer {
  return Buffer.of(127, 0, 0, 1, port >> 8, port & 255);
}

function torrentOf(source: string, announce: string): Buffer {
  const bytes = readFileSync(source);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += torrentPieceBytes) {
    const piece = bytes.subarray(at, at + torrentPieceBytes);
    pieces.push(createHash("sha1").update(piece).digest());
  }
  const name = source.slice(source.lastIndexOf("/") + 1);
  return bencode({
    announce,
    info: {
      length: statSync(source).size,
      name,
      "piece length": torrentPieceBytes,
      pieces: Buffer.concat(pieces),
      private: 1,
    },
  });
}

type Bencodable = number | string | Buffer | { readonly [key: string]: Bencodable };

/** Keys must be given in their order. */
function bencode(value: Bencodable): Buffer {
  if (typeof value === "number") return Buffer.from(`i${value}e`);
  if (typeof value === "string") return bencode(Buffer.from(value));
  if (Buffer.isBuffer(value)) return Buffer.concat([Buffer.from(`${value.length}:`), value]);
  const fields = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, inner]) => [bencode(key), bencode(inner)]);
  return Buffer.concat([Buffer.from("d"), ...fields, Buffer.from("e")]);
}
