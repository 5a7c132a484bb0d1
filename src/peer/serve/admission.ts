/** Which callers may have which files: by a single-use ticket that the coordinator redeems, by the
 *  secret of a link, or, when the owner allows it, without either. */
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { GrpcError, grpcStatus } from "../../link/grpc/status.ts";
import { isSameSecret } from "../../link/secret.ts";

export type Redeemed = {
  readonly fileName: string;
  /** Null when the catalogue knows none. */
  readonly root: Hash | null;
  readonly requester: string;
};

/** Redeems a ticket at the coordinator. Throws `unauthenticated` for a bad one and `unavailable`
 *  when the coordinator cannot answer. */
export type Redeem = (ticket: string) => Promise<Redeemed>;

/** The same for many tickets in one request: null for those that are not valid. */
export type RedeemMany = (tickets: readonly string[]) => Promise<ReadonlyArray<Redeemed | null>>;

export type AdmissionOptions = {
  /** How to redeem tickets now; null without a coordinator. */
  readonly redeem: () => Redeem | null;
  /** Without it, or with null, tickets are redeemed one at a time. */
  readonly redeemMany?: () => RedeemMany | null;
  /** Of links: its bearer may have everything that is shared. "" = no links. */
  readonly linkSecret: string;
  readonly allowsAnonymous: boolean;
  /** Requests to the coordinator at once; more are refused at once. */
  readonly redeemingMax?: number;
};

/** What was admitted: everything, or what one ticket says. */
export type Admitted = "all" | Redeemed;

export class Admission {
  readonly #options: AdmissionOptions;
  #redeeming = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get allowsAnonymous(): boolean {
    return this.#options.allowsAnonymous;
  }

  /** `authorization` as it came: `Bearer <ticket or secret>`. */
  async admit(authorization: string | undefined): Promise<Admitted> {
    const credential = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "";
    if (this.#options.allowsAnonymous) return "all";
    if (credential === "") throw refused("no ticket was shown");
    if (this.#isLinkSecret(credential)) return "all";
    const redeem = this.#options.redeem();
    if (redeem === null) throw refused("the link's secret is another one, or the link is old");
    return await this.#bounded(() => redeem(credential));
  }

  /** One for each credential: null = it admits nothing. Throws `unavailable` as redeeming does, and
   *  UNIMPLEMENTED when tickets can only be redeemed one at a time. */
  async admitMany(credentials: readonly string[]): Promise<ReadonlyArray<Admitted | null>> {
    if (this.#options.allowsAnonymous) return credentials.map(() => "all");
    const known = new Map<string, Admitted | null>([["", null]]);
    for (const credential of new Set(credentials)) {
      if (credential !== "" && this.#isLinkSecret(credential)) known.set(credential, "all");
    }
    const tickets = [...new Set(credentials)].filter((credential) => !known.has(credential));
    if (tickets.length > 0) {
      const redeemMany = this.#options.redeemMany?.() ?? null;
      if (redeemMany === null) {
        throw new GrpcError(grpcStatus.unimplemented, "here tickets are redeemed one at a time");
      }
      const redeemed = await this.#bounded(() => redeemMany(tickets));
      for (const [index, ticket] of tickets.entries()) known.set(ticket, redeemed[index] ?? null);
    }
    return credentials.map((credential) => known.get(credential) ?? null);
  }

  async #bounded<T>(redeem: () => Promise<T>): Promise<T> {
    if (this.#redeeming >= (this.#options.redeemingMax ?? 256)) {
      throw new ClusterError("unavailable", "too many requests at once; try again");
    }
    this.#redeeming += 1;
    try {
      return await redeem();
    } finally {
      this.#redeeming -= 1;
    }
  }

  #isLinkSecret(credential: string): boolean {
    const { linkSecret } = this.#options;
    return linkSecret !== "" && isSameSecret(credential, linkSecret);
  }
}

function refused(why: string): ClusterError {
  return new ClusterError("unauthenticated", `${why}; ask the coordinator for a ticket`);
}
