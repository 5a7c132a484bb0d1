/** Fetches the programs of existing managers and makes them jobs of this worker.
 *
 *  1. Nothing is used whose Keccak-256 is not the one that the manager sent.
 *  2. An address is dialled only when it is as far inside as the manager (fault F3): one on the
 *     internet cannot name this machine's loopback or addresses of its site. */
import { createHash } from "node:crypto";
import { lookup } from "node:dns/promises";
import { readFile, writeFile } from "node:fs/promises";
import { isIP, type LookupFunction } from "node:net";
import { ClusterError } from "../../core/error.ts";
import { moduleMaxBytes } from "../../core/job.ts";
import { type Reach, reachOf, refuserFor } from "../../peer/addresses.ts";
import { PeerConnection } from "../../peer/fetch/connection.ts";
import type { Plan } from "../../wire/block/plan.ts";
import { keccakMultihash } from "../../wire/manager/keccak.ts";
import type { Program } from "../executor.ts";
import type { RelayAddress } from "../relay-address.ts";
import { diskError } from "../shuffle/disk-error.ts";
import { ask, readAll } from "../shuffle/http.ts";
import type { BringFiles } from "../shuffle/jobs.ts";
import { type ProgramAddress, parseProgramAddress } from "./address.ts";

export type ProgramsOptions = {
  /** The manager. */
  readonly coordinator: Pick<RelayAddress, "url" | "fingerprint">;
  /** Gateway of an IPFS node, as `http://127.0.0.1:8080`; "" = `/ipfs/` cannot be resolved. */
  readonly ipfs: string;
  /** Longest silence of a source, ms. */
  readonly idleMs: number;
  /** For all addresses of a program together, ms. Default 60,000. */
  readonly limitMs?: number;
};

const limitDefaultMs = 60_000;

export class Programs {
  readonly #options: ProgramsOptions;

  constructor(options: ProgramsOptions) {
    this.#options = options;
  }

  /** The files of a job with this program; `download-failed` when no address has it. */
  bring(program: Program): BringFiles {
    const items = program.arguments.map((one) => `"${Buffer.from(one).toString("base64")}"\n`);
    return async (held, closed) => {
      const { limitMs = limitDefaultMs } = this.#options;
      const hash = Buffer.from(program.hash).toString("hex");
      const file = await held.file({ owner: "manager", hash }, async (path) => {
        const signal = AbortSignal.any([closed, AbortSignal.timeout(limitMs)]);
        const bytes = await this.#fetched(program, signal, closed);
        await writeFile(path, bytes, { mode: 0o600 }).catch((error: unknown) => {
          throw diskError(error, "storing a program");
        });
      });
      const codeHash = createHash("sha256")
        .update(await readFile(file.path))
        .digest("hex");
      const plan = planOf(items.length);
      const taskPlan = { text: JSON.stringify(plan) };
      return { codePath: file.path, codeHash, taskPlan, itemsFile: { text: items.join("") }, plan };
    };
  }

  async #fetched(
    { addresses, hash }: Program,
    signal: AbortSignal,
    closed: AbortSignal,
  ): Promise<Uint8Array> {
    const failures: string[] = [];
    for (const text of addresses) {
      const address = parseProgramAddress(text, this.#options.ipfs);
      try {
        if (typeof address === "string") throw new ClusterError("download-failed", address);
        const bytes = await this.#fetch(address, signal);
        if (Buffer.compare(keccakMultihash(bytes), hash) === 0) return bytes;
        failures.push(`what came from ${text.slice(0, 200)} has another Keccak-256`);
      } catch (error) {
        closed.throwIfAborted();
        failures.push(error instanceof ClusterError ? error.text : (error as Error).message);
      }
    }
    const why = failures.join("; ").slice(0, 2_000) || "the manager gave no address";
    throw new ClusterError("download-failed", `the program cannot be fetched: ${why}`);
  }

  async #fetch(address: ProgramAddress, signal: AbortSignal): Promise<Uint8Array> {
    const { coordinator, idleMs } = this.#options;
    const { fingerprint, url: manager } = coordinator;
    const refuse = address.kind === "ipfs" ? () => null : refuserFor(await this.#reach());
    if (address.kind === "p4") {
      const { file, host, port } = address;
      // Its content is verified here, and no secret.
      const rules = { refuse, refuseClear: () => null };
      const limits = { connectMs: idleMs, answerMs: idleMs };
      const peer = { host, port, fingerprint: "" };
      const connection = await PeerConnection.connect(peer, rules, limits);
      try {
        const wanted = { credential: "", maxBytes: moduleMaxBytes, limitMs: idleMs };
        return await connection.getFile(file, wanted);
      } finally {
        connection.close();
      }
    }
    const { url } = address;
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const problem = isIP(host) === 0 ? null : refuse(host);
    if (problem !== null) throw new ClusterError("forbidden", problem);
    const isManager = url.origin === new URL(manager).origin;
    const response = await ask(url, {
      idleMs,
      signal,
      lookup: refusingLookup(refuse),
      ...(isManager ? { fingerprint } : {}),
    });
    return readAll(response, moduleMaxBytes);
  }

  /** From where the manager names addresses. */
  async #reach(): Promise<Reach> {
    const host = new URL(this.#options.coordinator.url).hostname.replace(/^\[|\]$/g, "");
    const ip = isIP(host) === 0 ? (await lookup(host)).address : host;
    return reachOf(ip) ?? "world";
  }
}

/** The address that is checked is the one that is dialled. */
function refusingLookup(refuse: (ip: string) => string | null): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }).then(
      (found) => {
        const allowed = found.filter(({ address }) => refuse(address) === null);
        const [first] = allowed;
        if (first === undefined) {
          callback(new Error(refuse(found[0]?.address ?? "") ?? `${host} has no address`), "");
        } else if (options.all) callback(null, allowed);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, ""),
    );
  };
}

function planOf(count: number): Plan {
  const none = { files: [], splits: [], params: {}, reducers: 0, spillBytes: 0 };
  return { version: 1, ...none, items: { hash: "", count } };
}
