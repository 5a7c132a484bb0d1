/** Where a coordinator is: the data directory of this machine, or an address and a token from
 *  elsewhere. */
import { createHash } from "node:crypto";
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { ClusterError } from "../core/error.ts";
import type { Listen } from "../link/listen.ts";
import { isJoinCode, tokenOfJoinCode } from "../wire/api/join-code.ts";

/** What listens besides the coordinator's own port. */
export type Listeners = {
  /** Without authentication. */
  readonly console: Listen | null;
  /** Likewise: file system, register and JobTracker of the filesystem protocol. Absent from notes
   *  of before. */
  readonly filesystem?: Listen | null;
  readonly register?: Listen | null;
  readonly jobtracker?: Listen | null;
  /** Plain HTTP. */
  readonly p4: (Listen & { readonly trustAddresses: boolean }) | null;
  /** `isOpen`: to every peer that reaches it. Absent from notes of before. */
  readonly libp2p?: { readonly addresses: readonly string[]; readonly isOpen: boolean } | null;
  readonly anonymousBrowsers: boolean;
};

/** `<data>/endpoint.json`, written by `up` when it listens and removed when it stops. */
export type Endpoint = {
  /** With those of other coordinators of its log after it, with commas between them; of one that
   *  stands by, the leader's first. */
  readonly url: string;
  /** It stands by. */
  readonly isStandby?: boolean;
  /** Where it listens, which may be more than this machine. */
  readonly listen?: string;
  /** Of the coordinator's TLS key; "" without TLS. */
  readonly fingerprint: string;
  readonly pid: number;
  /** When the process started, so that a later one with its number is not taken for it. */
  readonly start?: string;
  readonly version: string;
  /** What else listens; absent in what earlier versions wrote. */
  readonly doors?: Listeners;
};

export const endpointFile = "endpoint.json";
/** Mode 0600: a user who can read it may do everything. */
export const adminTokenFile = "admin.token";

export type Environment = Readonly<Record<string, string | undefined>>;

/** `--data`, `$TEQUIO_DATA`, `$XDG_DATA_HOME/tequio`, `~/.local/share/tequio`: the first that is
 *  set. */
export function dataDirOf(option: string | undefined, env: Environment = process.env): string {
  const given = option ?? env.TEQUIO_DATA;
  if (given) return resolve(given);
  const shared = env.XDG_DATA_HOME;
  return join(shared?.startsWith("/") ? shared : join(homedir(), ".local", "share"), "tequio");
}

export type TargetOptions = {
  /** Of the coordinator; several of one cluster with commas between them. */
  readonly url?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly data?: string;
  readonly fingerprint?: string;
};

export type Target = {
  /** One address, or several with commas between them. */
  readonly url: string;
  readonly token: string;
  readonly fingerprint: string;
  /** Its data directory when it was found on this machine, else null. */
  readonly dataDir: string | null;
  /** Of one that was found on this machine: where it is now, null while it is not running. */
  readonly whereNow?: () => Pick<Target, "url" | "fingerprint"> | null;
};

/** Which coordinator the options and the environment mean. Throws `unavailable` when none is
 *  known. */
export function findTarget(options: TargetOptions, env: Environment = process.env): Target {
  if (options.url !== undefined && options.data !== undefined) {
    const text = "--url and --data cannot be combined: --data is of a coordinator on this machine";
    throw new ClusterError("bad-request", text);
  }
  const url = options.url ?? (options.data === undefined ? env.TEQUIO_URL : undefined);
  const token = tokenOf(options, env);
  if (url) {
    if (token === null) {
      throw new ClusterError(
        "unauthenticated",
        `no token for ${url}; give --token-file, or TEQUIO_TOKEN in the environment. One is made ` +
          "where the coordinator runs: tequio token create --role submitter",
      );
    }
    const fingerprint = options.fingerprint ?? env.TEQUIO_FINGERPRINT ?? "";
    return { url: coordinatorUrls(url), token, fingerprint, dataDir: null };
  }
  const dataDir = dataDirOf(options.data, env);
  const endpoint = readEndpoint(dataDir);
  if (endpoint === null) {
    refuseForeign(join(dataDir, endpointFile));
    throw new ClusterError(
      "unavailable",
      `no coordinator runs on this machine (no ${join(dataDir, endpointFile)}); ` +
        "start one with `tequio up`, or name one with --url and --token-file",
    );
  }
  const placeOf = (found: Endpoint) => ({
    url: found.url,
    fingerprint: options.fingerprint ?? found.fingerprint,
  });
  return {
    ...placeOf(endpoint),
    token: token ?? readSecret(join(dataDir, adminTokenFile)),
    dataDir,
    whereNow: () => {
      const now = readEndpoint(dataDir);
      return now === null ? null : placeOf(now);
    },
  };
}

/** Throws `bad-request` when the file is there for others only: a coordinator may well run. */
function refuseForeign(file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EACCES") return;
    const text = `${file} is for another user of this machine; ask them for a token, then`;
    throw new ClusterError("bad-request", `${text} --url and --token-file`, { cause });
  }
}

/** The token that was given, from wherever; null when none was. */
export function tokenOf(
  options: Pick<TargetOptions, "token" | "tokenFile">,
  env: Environment = process.env,
): string | null {
  if (options.token !== undefined && options.tokenFile !== undefined) {
    throw new ClusterError("bad-request", "--token and --token-file cannot be combined");
  }
  if (options.token !== undefined) return wholeToken(options.token);
  if (options.tokenFile !== undefined) return wholeToken(readSecret(options.tokenFile));
  return env.TEQUIO_TOKEN ? wholeToken(env.TEQUIO_TOKEN) : null;
}

/** The id of a token that was given as a whole, or in its short form; else the text itself. */
export function tokenIdOf(text: string): string {
  return /^mrt_[a-z]+_([0-9a-f]+)_/.exec(wholeToken(text))?.[1] ?? text;
}

/** Of a token, or of the short form of a join token. */
function wholeToken(text: string): string {
  const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  return isJoinCode(text) ? tokenOfJoinCode(text, sha256) : text;
}

/** The token of a link for browsers, `https://host:7070/j#k7f3-…`: machines may join by it, too;
 *  undefined when the address is no such link. */
export function tokenOfLink(address: string): string | undefined {
  const [, token] = /\/j#([\w-]+)$/.exec(address) ?? [];
  return token;
}

/** One line of a file that only its owner may read. */
export function readSecret(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new ClusterError(
      "not-found",
      `no token file ${file}; see \`tequio token create --help\``,
    );
  }
  if (process.platform !== "win32" && stat.isFile() && (stat.mode & 0o077) !== 0) {
    throw new ClusterError(
      "bad-request",
      `others on this machine can read the token in ${file}; run chmod 600 ${file}, ` +
        "and revoke the token if they may have",
    );
  }
  const text = readFileSync(file, "utf8").trim();
  if (text === "") throw new ClusterError("bad-request", `the token file ${file} is empty`);
  return text;
}

export function readEndpoint(dataDir: string): Endpoint | null {
  try {
    const value = JSON.parse(readFileSync(join(dataDir, endpointFile), "utf8"));
    return typeof value?.url === "string" ? (value as Endpoint) : null;
  } catch {
    // Missing, or cut short by a full disk: the same as no coordinator.
    return null;
  }
}

/** Of one coordinator, or of several of one cluster with commas between them. */
export function coordinatorUrls(text: string): string {
  return text.split(",").map(coordinatorUrl).join(",");
}

/** Without a scheme it is that of a coordinator which listens there as it does by default: `http`
 *  on this machine, else `https`, so that a token does not leave in the clear unasked. */
export function coordinatorUrl(text: string): string {
  const isHere = /^(localhost|127\.[0-9.]+|\[::1\])(:|\/|$)/i.test(text);
  const scheme = isHere ? "http" : "https";
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `${scheme}://${text}`);
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.hostname === "") {
    throw new ClusterError(
      "bad-request",
      `${text} is not the address of a coordinator; that looks like https://host:7070`,
    );
  }
  return url.origin;
}
