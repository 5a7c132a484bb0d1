/** Who is asking: turns a token into a principal, issues tokens, counts the uses of join tokens.
 *
 *  The core holds the records; what a principal may do is decided by `may` of core/members.ts. */

import { type Role, type TokenRecord, tokenProblem } from "../../core/access/roles.ts";
import { ClusterError } from "../../core/error.ts";
import type { WorkerId } from "../../core/ids.ts";
import { tokenRecord } from "../../core/view.ts";
import { hit } from "../../store/failpoint.ts";
import type { Loop } from "../loop/loop.ts";
import {
  kindForRole,
  mintToken,
  readToken,
  sameHash,
  type TokenKind,
  tokenHash,
} from "./tokens.ts";

export type Principal = {
  /** Id of the token that it showed. */
  readonly token: string;
  readonly kind: TokenKind;
  readonly role: Role;
  readonly owner: string;
  /** Set for the credential of one worker. */
  readonly worker: WorkerId | null;
  /** A join token that brings no new worker any more, but still lets the ones it brought come
   *  back. */
  readonly returningOnly: boolean;
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

  /** The principal of a token that is good now. Throws `unauthenticated` saying what is wrong with
   *  it. */
  principal(token: string | null): Principal {
    const principal = this.linkPrincipal(token);
    if (principal.returningOnly) {
      throw refused(
        `join token ${principal.token} is used up or expired; a worker that has joined shows ` +
          "the credential it got, others need a new token",
      );
    }
    return principal;
  }

  /** As `principal`, but a spent join token passes as `returningOnly`: for links of workers, which
   *  show their own credential a moment later. */
  linkPrincipal(token: string | null): Principal {
    if (token === null || token === "") {
      throw refused(
        "no token; send `Authorization: Bearer mrt_…` (the CLI reads admin.token itself)",
      );
    }
    const read = readToken(token);
    if ("problem" in read) throw refused(read.problem);
    const record = this.#record(read.id);
    // Compared also when there is no such record, so that ids cannot be told apart by time.
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

  /** True when `credential` is the one that this worker got, and it is not revoked. */
  isCredentialOf(worker: WorkerId, credential: string): boolean {
    try {
      return this.linkPrincipal(credential).worker === worker;
    } catch {
      return false;
    }
  }

  /** Counts one join on the token, durably, before the worker is let in. Rejects when none is left,
   *  which the core decides: so two at once cannot share the last one. */
  async useJoin(principal: Principal): Promise<void> {
    await this.#loop.post({ kind: "token-used", id: principal.token });
  }

  /** The token is durable, as its hash, when this resolves; its text is nowhere but in the
   *  answer. */
  async issue(terms: TokenTerms): Promise<{ readonly id: string; readonly token: string }> {
    const minted = mintToken(kindForRole[terms.role]);
    const { role, owner, usesMax } = terms;
    const expiresAtMs = terms.ttlMs === 0 ? 0 : this.#loop.nowMs() + terms.ttlMs;
    const { id, hash, token } = minted;
    hit("token.issue", "before");
    await this.#loop.post({ kind: "token-issued", id, role, owner, hash, expiresAtMs, usesMax });
    hit("token.issue", "after");
    return { id, token };
  }

  /** The credential of a worker that has just joined; named like the worker, so that an admin can
   *  revoke it. */
  async issueCredential(
    worker: WorkerId,
    { owner, token: by }: Pick<Principal, "owner" | "token">,
  ): Promise<string> {
    const { hash, token } = mintToken("worker", worker);
    hit("token.credential", "before");
    await this.#loop.post({
      kind: "token-issued",
      id: worker,
      role: "worker",
      owner,
      hash,
      expiresAtMs: 0,
      usesMax: 0,
      by,
    });
    hit("token.credential", "after");
    return token;
  }

  /** `members`: with all workers that it let in. Resolves with the ids of these, whether they go
   *  with it or stay. */
  async revoke(id: string, members = false): Promise<readonly string[]> {
    hit("token.revoke", "before");
    const event = { kind: "token-revoked", id, ...(members ? { members } : {}) } as const;
    const { letIn = [] } = await this.#loop.post(event);
    hit("token.revoke", "after");
    return letIn;
  }

  #record(id: string): TokenRecord | null {
    return tokenRecord(this.#loop.state, id);
  }
}
