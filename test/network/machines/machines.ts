/** Several machines within this one: network namespaces on a switch in user space, whose cables
 *  have a rate, a delay, loss and faults. Needs Linux, root, TAP devices and Python; the skip
 *  message names what is missing. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { waitMaxMs } from "../../../src/store/testing/patience.ts";
import {
  type Ending,
  type Machine,
  machine,
  missing as missingTools,
} from "../../encryption/machines.ts";
import { Started } from "../../fixtures/started.ts";

export type { Machine };

/** Of one cable, for the directions from its machine (up), to it (down), or both. */
export type Cable = {
  readonly way?: "up" | "down" | "both";
  /** Bits/s; 0 = any. */
  readonly bitsPerS?: number;
  readonly delayMs?: number;
  /** Share of packets that is lost, 0 to 1. */
  readonly loss?: number;
  /** Largest packet that passes, bytes, without notice of others; 0 = any. */
  readonly mtu?: number;
  /** Nothing passes. */
  readonly down?: boolean;
  /** No connection from another machine to it begins, as behind NAT. */
  readonly nat?: boolean;
};

/** Of one cable: from its machine, and to it. */
export type Carried = { readonly upBytes: number; readonly downBytes: number };

/** A command of the switch, and its answer. */
type Ask = (command: object) => Promise<string>;

/** Null: they can be made. */
export function missing(): string | null {
  const tools = missingTools();
  if (tools !== null) return tools;
  return existsSync("/dev/net/tun") ? null : "/dev/net/tun";
}

export class Machines {
  readonly all: readonly Machine[];
  readonly #ask: Ask;

  private constructor(all: readonly Machine[], ask: Ask) {
    this.all = all;
    this.#ask = ask;
  }

  static async open(t: Ending, count: number): Promise<Machines> {
    const ask = startSwitch(t);
    const hosts = Array.from({ length: count }, (_, index) => `10.78.0.${index + 1}`);
    const all = await Promise.all(hosts.map((host) => machine(t, host)));
    for (const [index, { enter, host, pid }] of all.entries()) {
      const name = tapOf(index);
      await ask({ add: name });
      run(`ip link set ${name} netns ${pid}`);
      for (const command of [
        "ip link set lo up",
        `ip link set ${name} name eth0`,
        `ip address add ${host}/24 dev eth0`,
        "ip link set eth0 up",
        // By the usual algorithm, which losses slow down; another would hide them.
        `ip route replace 10.78.0.0/24 dev eth0 src ${host} congctl cubic`,
      ]) {
        run(command, enter);
      }
    }
    return new Machines(all, ask);
  }

  /** Of the machine's cable, from now on. */
  async set(index: number, { bitsPerS, delayMs, nat, ...cable }: Cable): Promise<void> {
    if (nat !== undefined) await this.#ask({ set: tapOf(index), way: "down", nat });
    await this.#ask({
      set: tapOf(index),
      ...cable,
      ...(bitsPerS === undefined ? {} : { rate: bitsPerS / 8 }),
      ...(delayMs === undefined ? {} : { delay: delayMs / 1_000 }),
    });
  }

  /** Bytes that each machine's cable has carried so far. */
  async carried(): Promise<Carried[]> {
    const counts = JSON.parse(await this.#ask({ count: true })) as Record<string, [number, number]>;
    return this.all.map((_, index) => {
      const [upBytes, downBytes] = counts[tapOf(index)]!;
      return { upBytes, downBytes };
    });
  }

  /** Whether nothing passes between the two. */
  async block(one: number, other: number, isBlocked: boolean): Promise<void> {
    await this.#ask({ set: tapOf(one), to: tapOf(other), block: isBlocked });
    await this.#ask({ set: tapOf(other), to: tapOf(one), block: isBlocked });
  }
}

/** Names of devices are free in each namespace, and are this test's own before. */
function tapOf(index: number): string {
  return `tq${process.pid % 100_000}-${index}`;
}

function startSwitch(t: Ending): Ask {
  const program = `${import.meta.dirname}/switch.py`;
  const started = Started.during(t, ["python3", program], { input: true });
  let last = Promise.resolve("");
  return (command) => {
    started.child.stdin?.write(`${JSON.stringify(command)}\n`);
    last = last.then(() => started.nextLine());
    return last;
  };
}

function run(command: string, before: readonly string[] = []): void {
  const [file, ...args] = [...before, ...command.split(" ")];
  execFileSync(file!, args, { stdio: ["ignore", "ignore", "inherit"], timeout: waitMaxMs });
}
