/** The worker processes of `up`: started, watched, adopted after a crash of `up`, and stopped.
 *
 *  Each has a directory `<data>/workers/<n>/` with its own data, its join token (0600), its log and
 *  `process.json`. They are detached: killing `up` leaves them running, and a new `up` on the same
 *  data directory takes them over. */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { writePrivate } from "../../coordinator/access/private-file.ts";
import { stillRuns, stopProcess } from "./process/identity.ts";
import { livingRecord, type ProcessRecord, recordOf, writeRecord } from "./process/record.ts";

export type LocalWorkersOptions = {
  /** `<data>/workers`. */
  readonly dir: string;
  readonly count: number;
  readonly url: string;
  /** Arguments of Node for one worker: the script, then `join` with all but what is its own. */
  readonly command: readonly string[];
  /** A fresh join token; asked for once per process that is started. */
  readonly joinToken: () => Promise<string>;
  /** For people: a worker ended by itself, or was started again. */
  readonly onNews: (text: string) => void;
};

export type LocalWorkers = {
  readonly adopted: number;
  readonly started: number;
  /** Asks all to leave and waits; kills those that have not left after `graceMs`. */
  stop(graceMs: number): Promise<void>;
};

type Member = { readonly number: number; record: ProcessRecord };

const watchEveryMs = 250;
/** A worker that lived at least so long is started again at once: it was killed, not broken. */
const soundMs = 1000;
/** One that ends sooner is started again after this, in ms; doubles up to the maximum. */
const restartMs = 250;
const restartMaxMs = 60_000;

export async function startLocalWorkers(options: LocalWorkersOptions): Promise<LocalWorkers> {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  await stopStrangers(options);
  const members: Member[] = [];
  let adopted = 0;
  for (let number = 1; number <= options.count; number += 1) {
    const record = livingMember(options, number);
    if (record !== null) adopted += 1;
    members.push({ number, record: record ?? (await startMember(options, number)) });
  }
  const stopping = new AbortController();
  const watches = members.map((member) => watch(options, member, stopping.signal));
  return {
    adopted,
    started: members.length - adopted,
    async stop(graceMs) {
      stopping.abort();
      await Promise.all(watches);
      await Promise.all(members.map((member) => stopProcess(member.record, graceMs)));
      for (const { number } of members) rmSync(recordFile(options, number), { force: true });
    },
  };
}

/** Processes of an earlier `up` with another address, or more of them than are wanted now. */
async function stopStrangers(options: LocalWorkersOptions): Promise<void> {
  const numbers = readdirSync(options.dir).map(Number).filter(Number.isSafeInteger);
  const strangers = numbers.flatMap((number) => {
    const record = livingMember(options, number);
    const wanted = number <= options.count && record?.url === options.url;
    return record === null || wanted ? [] : [record];
  });
  await Promise.all(strangers.map((record) => stopProcess(record, 3000)));
}

function memberDir(options: LocalWorkersOptions, number: number): string {
  return join(options.dir, String(number));
}

function recordFile(options: LocalWorkersOptions, number: number): string {
  return join(memberDir(options, number), "process.json");
}

/** The member's process, whichever `up` has started it; null when it has none. */
function livingMember(options: LocalWorkersOptions, number: number): ProcessRecord | null {
  return livingRecord(recordFile(options, number));
}

async function startMember(options: LocalWorkersOptions, number: number): Promise<ProcessRecord> {
  const dir = memberDir(options, number);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  // Not in the arguments or the environment: others on this machine can read those.
  const tokenFile = join(dir, "join.token");
  writePrivate(tokenFile, `${await options.joinToken()}\n`);
  const log = openSync(join(dir, "worker.log"), "a", 0o600);
  try {
    const path = recordFile(options, number);
    const own = ["--data", dir, "--token-file", tokenFile, "--record", path];
    const child = spawn(process.execPath, [...options.command, ...own], {
      detached: true,
      stdio: ["ignore", log, log],
      cwd: dir,
      windowsHide: true,
    });
    child.unref();
    const record = recordOf(child.pid ?? 0, options.url);
    // A worker of an earlier start may just have written the record, since the directory is its
    // own: this one will end.
    if (livingRecord(path) === null) writeRecord(path, record);
    return record;
  } finally {
    closeSync(log);
  }
}

/** Starts the process again whenever it has ended; children and adopted ones alike. */
async function watch(
  options: LocalWorkersOptions,
  member: Member,
  signal: AbortSignal,
): Promise<void> {
  let waitMs = restartMs;
  let startedAtMs = performance.now();
  while (await pause(watchEveryMs, signal)) {
    if (stillRuns(member.record.pid, member.record.start)) continue;
    // A worker that an `up` of before had started holds the directory.
    const known = livingMember(options, member.number);
    if (known?.url === options.url) {
      member.record = known;
      options.onNews(`worker process ${member.number} of the previous \`up\` goes on`);
      continue;
    }
    const isSound = performance.now() - startedAtMs >= soundMs;
    if (isSound) waitMs = restartMs;
    const log = join(memberDir(options, member.number), "worker.log");
    options.onNews(`worker process ${member.number} ended (see ${log}); starting it again`);
    if (!isSound) {
      if (!(await pause(waitMs, signal))) return;
      waitMs = Math.min(restartMaxMs, waitMs * 2);
    }
    startedAtMs = performance.now();
    try {
      member.record = await startMember(options, member.number);
    } catch (error) {
      options.onNews(`cannot start worker process ${member.number}: ${(error as Error).message}`);
    }
  }
}

/** False when the signal came first. */
async function pause(waitMs: number, signal: AbortSignal): Promise<boolean> {
  await delay(waitMs, null, { signal, ref: false }).catch(() => {});
  return !signal.aborted;
}
