/** Authentication: turns a token into a principal, issues tokens, counts the uses of join tokens.
 *
 *  The core keeps the records; `may` of core/members.ts decides what a principal may do. */

import { type Role, type TokenRecord, tokenProblem } from "../../core/access/roles.ts";
import { ClusterError } from "../../core/error.ts";
import type { WorkerId } from "../../core/ids.ts";
import { tokenRecord } from "../../core/view.ts";
import { hit } from "../../store/failpoint.ts";
import type { Loop } from "../loop/loop.ts";
import {
  type MintedToken,
  mintFor,
  mintToken,
  readToken,
  sameHash,
  type TokenKind,
  tokenHash,
} from "./tokens.ts";

export type Principal = {
  /** Id of the token that was presented. */
  readonly token: string;
  readonly kind: TokenKind;
  readonly role: Role;
  readonly owner: string;
  /** Set for the credential of one worker. */
  readonly worker: WorkerId | null;
  /** A join token that admits no new worker any more, but still admits those that joined with it
   *  before. */
  readonly returningOnly: boolean;
  /** Set for a peer without a token, which the operator admits by this id: its carrier has proved
   *  it. */
  readonly peer?: string;
};

export type TokenTerms = {
  readonly role: Role;
  readonly owner: string;
  /** 0 = never expires. */
  readonly ttlMs: number;
  /** Joins allowed; 0 = any number. */
  readonly usesMax: number;
};

function refused(text: string): ClusterError {
  return new ClusterError("unauthenticated", text);
}

export class Auth {
  readonly #loop: Loop;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** The principal of a valid token. Throws `unauthenticated` with what is wrong with it. */
  principal(token: string | null): Principal {
    const principal = this.linkPrincipal(token);
    if (principal.returningOnly) {
      throw refused(
        `join token ${principal.token} is used up or expired; a worker that has joined presents ` +
          "its credential, others need a new token",
      );
    }
    return principal;
  }

  /** Like `principal`, but a spent join token passes as `returningOnly`: for links of workers,
   *  which present their own credential a moment later. */
  linkPrincipal(token: string | null): Principal {
    if (token === null || token === "") {
      throw refused(
        "no token; send `Authorization: Bearer mrt_…` (the CLI reads admin.token itself)",
      );
    }
    const read = readToken(token);
    if ("problem" in read) throw refused(read.problem);
    const record = this.#record(read.id);
    // Also compared when there is no such record, so that timing does not reveal which ids exist.
    const same = sameHash(tokenHash(token), record?.hash ?? "00".repeat(32));
    if (record === null || !same) {
      throw refused(`token ${read.id} is not of this cluster, or its secret is wrong`);
    }
    const problem = tokenProblem(record, this.#loop.nowMs());
    const spentJoin = read.kind === "join" && problem !== null && problem !== "revoked";
    if (problem !== null && !spentJoin) {
      throw refused(`token ${read.id} is ${problem}; ask an admin for a new one`);
    }
    return {
      token: read.id,
      kind: read.kind,
      role: record.role,
      owner: record.owner,
      worker: read.kind === "worker" ? (read.id as WorkerId) : null,
      returningOnly: spentJoin,
    };
  }

  /** True when `credential` is the one issued to this worker, and is not revoked. */
  isCredentialOf(worker: WorkerId, credential: string): boolean {
    try {
      return this.linkPrincipal(credential).worker === worker;
    } catch {
      return false;
    }
  }

  /** Counts one join on the token, durably, before the worker is admitted. Rejects when none is
   *  left; the core decides this, so two workers cannot share the last one. */
  async useJoin(principal: Principal): Promise<void> {
    await this.#loop.post({ kind: "token-used", id: principal.token });
  }

  /** The token is durable, as its hash, when this resolves; its text is only in the answer. */
  async issue(terms: TokenTerms): Promise<MintedToken> {
    const { hash, ...minted } = mintFor(terms.role);
    const { role, owner, usesMax } = terms;
    const expiresAtMs = terms.ttlMs === 0 ? 0 : this.#loop.nowMs() + terms.ttlMs;
    const { id } = minted;
    hit("token.issue", "before");
    await this.#loop.post({ kind: "token-issued", id, role, owner, hash, expiresAtMs, usesMax });
    hit("token.issue", "after");
    return minted;
  }

  /** The credential of a worker that has just joined; it has the worker's id, so that an
   *  administrator can revoke it. */
  async issueCredential(
    worker: WorkerId,
    { owner, role, token: by }: Pick<Principal, "owner" | "role" | "token">,
  ): Promise<string> {
    const { hash, token } = mintToken("worker", worker);
    hit("token.credential", "before");
    await this.#loop.post({
      kind: "token-issued",
      id: worker,
      role: role === "volunteer" ? role : "worker",
      owner,
      hash,
      expiresAtMs: 0,
      usesMax: 0,
      by,
    });
    hit("token.credential", "after");
    return token;
  }

  /** `members`: also revokes the workers that joined with it. Resolves with the ids of these
   *  workers in any case. */
  async revoke(id: string, members = false): Promise<readonly string[]> {
    hit("token.revoke", "before");
    const event = { kind: "token-revoked", id, ...(members ? { members } : {}) } as const;
    const { admitted = [] } = await this.#loop.post(event);
    hit("token.revoke", "after");
    return admitted;
  }

  #record(id: string): TokenRecord | null {
    return tokenRecord(this.#loop.state, id);
  }
}
