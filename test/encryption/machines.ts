/** Two machines within this one: network and mount namespaces of their own, joined by one cable on
 *  which all traffic is recorded. Needs Linux, root and a few tools; the skip message names what is
 *  missing. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { temporaryDir } from "../../src/store/testing/at-end.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { Started } from "../fixtures/started.ts";

/** A test, or `{ after }` of what is none. */
export type Ending = { readonly after: (undo: () => Promise<void>) => void };

export type Machine = {
  readonly host: string;
  /** Put before a command that is to run there. */
  readonly enter: readonly string[];
};

export type Cable = {
  /** All traffic so far. */
  heard(): Promise<Buffer>;
};

/** Null: they can be made. */
export function missing(): string | null {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "root on Linux";
  for (const [tool, ...args] of [
    ["unshare", "--net", "--mount", "true"],
    ["nsenter", "--version"],
    ["ip", "-V"],
    ["python3", "-c", "import socket; socket.AF_PACKET"],
  ]) {
    try {
      execFileSync(tool!, args, { stdio: "ignore", timeout: waitMaxMs });
    } catch {
      return `\`${[tool, ...args].join(" ")}\``;
    }
  }
  return null;
}

const hosts = ["10.77.0.1", "10.77.0.2"] as const;

export async function twoMachines(
  t: TestContext,
): Promise<{ readonly near: Machine; readonly far: Machine; readonly cable: Cable }> {
  const [near, far] = await Promise.all(hosts.map((host) => machine(t, host)));
  const ends = [near!, far!];
  const [one, other] = ends.map(({ pid }) => `netns ${pid}`);
  run(`ip link add eth0 ${one} type veth peer name eth0 ${other}`);
  for (const { enter, host } of ends) {
    run("ip link set lo up", enter);
    run(`ip address add ${host}/24 dev eth0`, enter);
    run("ip link set eth0 up", enter);
  }
  return { near: near!, far: far!, cable: await listen(t, near!) };
}

/** It exists as long as the process that holds it, which ends with its standard input. */
export async function machine(
  t: Ending,
  host: string,
): Promise<Machine & { readonly pid: number }> {
  const command = ["unshare", "--net", "--mount", "sh", "-c", "echo here; exec cat"];
  const holder = new Started(command, { input: true });
  t.after(async () => holder.kill());
  await holder.said("here");
  const there = ["nsenter", "--target", `${holder.pid}`, "--net", "--mount"];
  // A mount namespace is entered at its root.
  const enter = [...there, "sh", "-c", 'cd "$HOME" && exec "$@"', "sh"];
  return { host, enter, pid: holder.pid };
}

const sniffer = `
import socket, sys
everything, SO_RCVBUFFORCE = 3, 33
cable = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(everything))
cable.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
cable.bind(("eth0", 0))
record = open(sys.argv[1], "wb", buffering=0)
print("here", flush=True)
while True:
    record.write(cable.recv(1 << 17))
`;

async function listen(t: TestContext, { enter, host }: Machine): Promise<Cable> {
  const path = join(temporaryDir(t), "heard");
  const recorder = new Started([...enter, "python3", "-c", sniffer, path]);
  t.after(() => recorder.kill());
  await recorder.said("here");
  let calls = 0;
  return {
    async heard() {
      // What was sent before a final packet has been recorded once that packet has.
      const last = `the last word ${++calls} of ${host}`;
      const say = `import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b"${last}", ("${hosts[1]}", 9))`;
      execFileSync(enter[0]!, [...enter.slice(1), "python3", "-c", say]);
      const endMs = performance.now() + waitMaxMs;
      for (;;) {
        const heard = readFileSync(path);
        if (heard.includes(last)) return heard;
        if (performance.now() > endMs) throw new Error("the traffic on the cable is not recorded");
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };
}

function run(command: string, before: readonly string[] = []): void {
  const [file, ...args] = [...before, ...command.split(" ")];
  execFileSync(file!, args, { stdio: ["ignore", "ignore", "inherit"], timeout: waitMaxMs });
}
