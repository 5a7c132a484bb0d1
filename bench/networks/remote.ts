/** What one would type for a word count on three machines that ssh reaches: the lines are divided
 *  among them, counted there, and what comes back is added. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Started } from "../../test/fixtures/started.ts";
import type { FarCluster } from "../../test/network/machines/far-cluster.ts";
import { at } from "../../test/network/machines/far-cluster.ts";
import type { Machine } from "../../test/network/machines/machines.ts";
import { command } from "../command.ts";
import { isPresent } from "../files/rivals.ts";

export type Rival = {
  readonly name: string;
  /** Programs that it needs beside sshd. */
  readonly programs: readonly string[];
  /** `$1`: the input, `$2`: the result, `$3`: a folder for what lies in between. */
  readonly shell: string;
};

const hosts = ["w1", "w2", "w3"];
const splitByLines = 'cd "$3" && split -n l/3 -d -a 1 "$1" part && i=0';
const onEach = (each: string) =>
  `for host in ${hosts.join(" ")}; do ( part=part$i; ${each} ) & i=$((i+1)); done; wait`;
const addAll = 'awk -f add.awk got* > "$2"';

export const rivals: readonly Rival[] = [
  {
    name: "ssh + tar",
    programs: ["ssh", "tar"],
    shell: `${splitByLines} && ${onEach(
      'tar cf - $part | ssh -F ssh/config $host "cd $3/on-$host && tar xf - && ' +
        'awk -f ../count.awk $part > counts && tar cf - counts" | tar xOf - > got$i',
    )}; ${addAll}`,
  },
  {
    name: "rsync + ssh",
    programs: ["ssh", "rsync"],
    shell: `${splitByLines} && ${onEach(
      'rsync --whole-file -e "ssh -F ssh/config" $part $host:$3/on-$host/ && ' +
        'ssh -F ssh/config $host "cd $3/on-$host && awk -f ../count.awk $part > counts" && ' +
        'rsync --whole-file -e "ssh -F ssh/config" $host:$3/on-$host/counts got$i',
    )}; ${addAll}`,
  },
  {
    name: "GNU parallel",
    programs: ["ssh", "parallel"],
    shell:
      'cd "$3" && parallel --will-cite --pipepart --block 1M -a "$1" ' +
      `--ssh "ssh -F $3/ssh/config" -S ${hosts.map((host) => `2/${host}`).join(",")} ` +
      `awk -f "$3/count.awk" > got && ${addAll}`,
  },
];

const counting =
  '{ for (i = 1; i <= NF; i++) count[$i]++ } END { for (w in count) print w "\\t" count[w] }\n';
const adding = '{ count[$1] += $2 } END { for (w in count) print w "\\t" count[w] }\n';

/** Servers lie where only the administrator's PATH leads. */
const path = `${process.env.PATH}:${join("/", "usr", "sbin")}`;
const sshPort = 2_222;

/** Why one cannot run here, or null. */
export function lackOf({ programs }: Rival): string | null {
  return ["sshd", "awk", ...programs].find((program) => !isPresent(program)) ?? null;
}

/** An sshd on each worker's machine, ended with the cluster; and the folder of the rivals. */
export async function reachableBySsh(t: Ending, cluster: FarCluster): Promise<string> {
  const dir = join(cluster.place.dir, "by-ssh");
  const keys = join(dir, "ssh");
  mkdirSync(keys, { recursive: true, mode: 0o700 });
  for (const host of hosts) mkdirSync(join(dir, `on-${host}`));
  writeFileSync(join(dir, "count.awk"), counting);
  writeFileSync(join(dir, "add.awk"), adding);
  for (const name of ["host", "key"]) {
    await command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(keys, name)]);
  }
  writeFileSync(join(keys, "authorized"), readFileSync(join(keys, "key.pub")), { mode: 0o600 });
  const machines = cluster.machines.all.slice(at.workers, at.workers + hosts.length);
  // What the service of the system makes: as root sshd does not start without it.
  mkdirSync(join("/run", "sshd"), { recursive: true, mode: 0o755 });
  await Promise.all(machines.map((one, index) => startSshd(t, keys, one, index)));
  writeFileSync(join(keys, "config"), machines.map((one, n) => entryOf(keys, one, n)).join(""));
  return dir;
}

type Ending = Parameters<typeof Started.during>[0];

async function startSshd(t: Ending, keys: string, { enter, host }: Machine, index: number) {
  const config = join(keys, `sshd-${index}`);
  const lines = [
    `ListenAddress ${host}:${sshPort}`,
    `HostKey ${join(keys, "host")}`,
    `AuthorizedKeysFile ${join(keys, "authorized")}`,
    "StrictModes no",
    "UsePAM no",
    "PasswordAuthentication no",
    "PermitRootLogin prohibit-password",
    "PidFile none",
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  const program = [join("/", "usr", "sbin", "sshd"), "sshd"].find(existsSync) ?? "sshd";
  const started = Started.during(t, [...enter, program, "-D", "-e", "-f", config]);
  await started.said("Server listening");
}

function entryOf(keys: string, { host }: Machine, index: number): string {
  const lines = [
    `Host ${hosts[index]}`,
    `HostName ${host}`,
    `Port ${sshPort}`,
    "User root",
    `IdentityFile ${join(keys, "key")}`,
    "StrictHostKeyChecking no",
    `UserKnownHostsFile ${join(keys, "known")}`,
    "LogLevel ERROR",
    "BatchMode yes",
  ];
  return `${lines.join("\n  ")}\n`;
}

/** Runs one at the submitter's machine. */
export async function runRival(
  { name, shell }: Rival,
  cluster: FarCluster,
  files: { readonly input: string; readonly output: string; readonly dir: string },
): Promise<void> {
  const { enter } = cluster.machines.all[at.submitter] as Machine;
  const args = [files.input, files.output, files.dir];
  const env = { PATH: path, HOME: files.dir };
  const script = `rm -f "$3"/got* "$3"/part*; ${shell}`;
  const started = new Started([...enter, "sh", "-c", script, "sh", ...args], { env });
  const { code, err } = await started.ended;
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${err}`);
}
