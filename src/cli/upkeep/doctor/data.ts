/** Of the data directory: who may read it, what disk it is on, how that disk writes. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { restoringDir } from "../../../coordinator/data-dir.ts";
import { ClusterError } from "../../../core/error.ts";
import { defaultMarkBytes, diskSpace } from "../../../store/disk-space.ts";
import { openLogView } from "../../../store/log/sqlite-view.ts";
import { bytesText } from "../../numbers.ts";
import { quoted } from "../../paste.ts";
import { type Finding, good } from "./finding.ts";

const fsyncs = 20;
const fsyncBytes = 4_096;
/** A commit waits for one. */
const fsyncSlowMs = 30;
const clockSlackMs = 60_000;

/** Magic numbers of statfs(2). */
const volatileDisks: ReadonlyMap<number, string> = new Map([
  [0x01021994, "tmpfs"],
  [0x858458f6, "ramfs"],
]);
const remoteDisks: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xfe534d42, "SMB"],
  [0xff534d42, "CIFS"],
  [0x01021997, "9p"],
  [0x65735546, "FUSE"],
]);
const overlayDisk = 0x794c7630;

export function dataFindings(dir: string): Finding[] {
  if (!existsSync(dir)) {
    const what = `${dir} does not exist yet`;
    return [
      {
        severity: "note",
        topic: "data",
        what,
        fix: "start one with `tequio up`, or name another directory with --data",
      },
    ];
  }
  return [
    ...leftovers(dir),
    ...rights(dir),
    kindOfDisk(dir),
    space(dir),
    ...syncing(dir),
    ...log(dir),
    ...clock(dir),
  ];
}

function leftovers(dir: string): Finding[] {
  if (!existsSync(join(dir, restoringDir))) return [];
  const what = "a restore was broken off here";
  const fix = "empty the directory, then run `tequio restore` again";
  return [{ severity: "serious", topic: "restore", what, fix }];
}

function rights(dir: string): Finding[] {
  if (process.platform === "win32") return [];
  const files = readdirSync(dir).filter((name) => /\.(json|token|sqlite.*)$/.test(name));
  const open = [".", ...files].filter((name) => (statSync(join(dir, name)).mode & 0o077) !== 0);
  // The directory alone keeps others out of what is in it.
  if (!open.includes(".")) return [good("rights", "only its owner can look into it")];
  const what = `others on this machine can look into ${dir} (${open.join(", ")})`;
  const fix = `chmod 700 ${dir}; chmod 600 its files; revoke tokens that may have been seen`;
  return [{ severity: "serious", topic: "rights", what, fix }];
}

function kindOfDisk(dir: string): Finding {
  const { type } = statfsSync(dir);
  const local = "move it to a local disk with `tequio backup` and `tequio restore`";
  const inMemory = volatileDisks.get(type);
  if (inMemory !== undefined) {
    const what = `it is in memory (${inMemory}): all jobs are gone after a restart`;
    return { severity: "serious", topic: "disk", what, fix: local };
  }
  const remote = remoteDisks.get(type);
  if (remote !== undefined) {
    const what = `it is on ${remote}: its locks and its fsync may not keep what they promise`;
    return { severity: "serious", topic: "disk", what, fix: local };
  }
  if (type === overlayDisk) {
    const what = "it is on the layer of a container, and goes with the container";
    return { severity: "warning", topic: "disk", what, fix: "put it on a volume" };
  }
  return good("disk", "on a local disk");
}

function space(dir: string): Finding {
  const found = diskSpace(dir);
  const markBytes = defaultMarkBytes(found);
  const what = `${bytesText(found.freeBytes)} free; below ${bytesText(markBytes)} no job is taken`;
  if (found.freeBytes >= 4 * markBytes) return good("space", what);
  const severity = found.freeBytes < markBytes ? "serious" : "warning";
  return { severity, topic: "space", what, fix: "free some, or remove jobs with `tequio rm`" };
}

function syncing(dir: string): Finding[] {
  let medianMs: number;
  try {
    medianMs = fsyncMs(dir);
  } catch (error) {
    const what = `it cannot be written: ${(error as Error).message}`;
    return [
      {
        severity: "serious",
        topic: "fsync",
        what,
        fix: "choose another directory, or correct its permissions",
      },
    ];
  }
  const what = `a durable write takes ${medianMs.toFixed(2)} ms (median of ${fsyncs})`;
  if (medianMs <= fsyncSlowMs) return [good("fsync", what)];
  const fix = "use a disk with a faster fsync: every batch of events waits for one";
  return [{ severity: "warning", topic: "fsync", what, fix }];
}

function fsyncMs(dir: string): number {
  const path = join(dir, `doctor-${randomBytes(6).toString("hex")}.part`);
  const file = openSync(path, "wx", 0o600);
  try {
    const bytes = randomBytes(fsyncBytes);
    const times: number[] = [];
    for (let n = 0; n < fsyncs; n += 1) {
      const startedMs = performance.now();
      writeSync(file, bytes);
      fsyncSync(file);
      times.push(performance.now() - startedMs);
    }
    return times.sort((a, b) => a - b)[fsyncs >> 1]!;
  } finally {
    closeSync(file);
    rmSync(path, { force: true });
  }
}

/** The end of the log and its structure alone; `tequio check` reads all of it. */
function log(dir: string): Finding[] {
  const path = join(dir, "log.sqlite");
  if (!existsSync(path)) return [];
  try {
    const view = openLogView(path);
    const problems = view.problems();
    view.close();
    if (problems.length === 0)
      return [good("log", "whole; opened with synchronous=FULL or not at all")];
    return [
      {
        severity: "serious",
        topic: "log",
        what: problems.join("; "),
        fix: `tequio check ${quoted(dir)}`,
      },
    ];
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    return [
      { severity: "serious", topic: "log", what: error.text, fix: `tequio check ${quoted(dir)}` },
    ];
  }
}

/** Wall time decides nothing but certificates and what people read. */
function clock(dir: string): Finding[] {
  const aheadMs = statSync(dir).mtimeMs - Date.now();
  if (aheadMs < clockSlackMs) return [];
  const what = "the directory was changed in the future: this machine's clock has gone back";
  return [{ severity: "warning", topic: "clock", what, fix: "set the clock; use NTP" }];
}
