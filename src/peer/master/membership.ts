/** A peer's place in the catalogue of a master: registered, renewed within its TTL, and removed
 *  when it is closed. At a master that has lost it, or was away, it registers everything again. */
import type { SharedFile } from "../../core/catalogue.ts";
import { ClusterError } from "../../core/error.ts";
import { GrpcError, grpcStatus } from "../../link/grpc/status.ts";
import type {
  Available,
  ManyRedeemed,
  Redeemed as RedeemedAnswer,
  Registered,
  Registration,
  Said,
} from "../../wire/p4/control.ts";
import { refusalWords } from "../../wire/p4/refusals.ts";
import type { Redeemed } from "../serve/admission.ts";
import { type MasterCalls, MasterRefusal } from "./call.ts";

export type MembershipOptions = {
  readonly calls: MasterCalls;
  readonly clientId: string;
  readonly address: { readonly host: string; readonly port: number };
  /** SHA-256 of the certificate that it shows, hex; "" = none. */
  readonly fingerprint: string;
  readonly genericToken: string;
  readonly ttlMs: number;
  /** The peer's token from its previous run, to keep its identity; "" = none. */
  readonly tokenBefore: string;
  /** A token to be kept for the next run. */
  readonly onToken: (token: string) => void;
  readonly onNews: (text: string) => void;
};

/** Heartbeats per TTL. */
const signsPerTtl = 3;

export class Membership {
  readonly #options: MembershipOptions;
  #token: string;
  #files: readonly SharedFile[] = [];
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<unknown> = Promise.resolve();
  #isAway = false;

  private constructor(options: MembershipOptions, token: string) {
    this.#options = options;
    this.#token = token;
  }

  static async join(options: MembershipOptions): Promise<Membership> {
    const membership = new Membership(options, options.tokenBefore);
    await membership.#register();
    const everyMs = Math.max(1_000, options.ttlMs / signsPerTtl);
    membership.#timer = setInterval(() => membership.#soon(() => membership.#sign()), everyMs);
    return membership;
  }

  /** All that this peer offers from now on. */
  publish(files: readonly SharedFile[]): Promise<void> {
    this.#files = files;
    return this.#soon(() => this.#tellFiles());
  }

  /** Whether the bearer of a ticket may have a file, and which (P4, step 3). */
  redeem(ticket: string): Promise<Redeemed> {
    return this.#redeeming(async () => redeemedOf(await this.#call("/redeem", { ticket })));
  }

  /** The same for many tickets: null for those that are not valid. Throws UNIMPLEMENTED at a master
   *  that has no such call. */
  redeemMany(tickets: readonly string[]): Promise<Array<Redeemed | null>> {
    return this.#redeeming(async () => {
      const { files } = await this.#call<ManyRedeemed>("/redeem_many", { tickets }).catch(
        withoutMany,
      );
      return files.map((one) => (one === null ? null : redeemedOf(one)));
    });
  }

  #call<Answer>(path: string, body: object): Promise<Answer> {
    return this.#options.calls.call<Answer>(path, { token: this.#token, ...body });
  }

  async #redeeming<T>(redeem: () => Promise<T>): Promise<T> {
    try {
      return await redeem();
    } catch (error) {
      if (error instanceof GrpcError) throw error;
      if (isForgotten(error)) {
        this.#soon(() => this.#again()).catch(() => {});
        throw new ClusterError("unavailable", "the master does not know this peer; ask again");
      }
      // A master that cannot decide has not refused: the peer must ask again.
      const isRefusal = error instanceof MasterRefusal && error.status === 401;
      if (isRefusal) throw new ClusterError("unauthenticated", "the master refuses the ticket");
      throw new ClusterError("unavailable", "the master cannot be asked now; ask again", {
        cause: error,
      });
    }
  }

  /** Leaves the catalogue; a master that cannot be reached will notice by the TTL. */
  async leave(): Promise<void> {
    clearInterval(this.#timer);
    await this.#work.catch(() => {});
    await this.#options.calls.call<Said>("/unregister", { token: this.#token });
  }

  /** Runs one thing after the other. */
  #soon(work: () => Promise<void>): Promise<void> {
    const next = this.#work.catch(() => {}).then(work);
    this.#work = next;
    next.catch(() => {});
    return next;
  }

  async #register(): Promise<void> {
    const { calls, clientId, address, fingerprint, genericToken, ttlMs } = this.#options;
    const registration: Registration = {
      client_id: clientId,
      ip: address.host,
      port: address.port,
      genericToken,
      ttl_s: Math.ceil(ttlMs / 1000),
      ...(this.#token === "" ? {} : { token: this.#token }),
      ...(fingerprint === "" ? {} : { fingerprint }),
    };
    const { token } = await calls.call<Registered>("/register", registration);
    this.#token = token;
    this.#options.onToken(token);
  }

  async #sign(): Promise<void> {
    try {
      await this.#options.calls.call<Available>("/heartbeat", { token: this.#token });
      if (this.#isAway) this.#options.onNews("the master answers again");
      this.#isAway = false;
    } catch (error) {
      if (isForgotten(error)) return await this.#again();
      // Existing masters have no heartbeat, and no TTL that would need one.
      if (error instanceof MasterRefusal && error.isUnknownCall) return;
      if (!this.#isAway) this.#options.onNews(`the master is away: ${(error as Error).message}`);
      this.#isAway = true;
    }
  }

  async #again(): Promise<void> {
    this.#options.onNews("the master did not know this peer any more; it is registered again");
    await this.#register();
    await this.#tellFiles();
  }

  async #tellFiles(): Promise<void> {
    const { calls } = this.#options;
    const leaves = this.#files.map(({ name, root, sizeBytes, description }) => ({
      name,
      root,
      size_bytes: sizeBytes,
      ...(description === "" ? {} : { description }),
    }));
    try {
      await calls.call<Said>("/files", { token: this.#token, files: leaves });
    } catch (error) {
      if (isForgotten(error) || !(error instanceof MasterRefusal)) throw error;
      if (!error.isUnknownCall) throw error;
      // Existing masters take one name at a time.
      for (const { name } of leaves) {
        await calls.call<Said>("/add_file", { token: this.#token, file_name: name });
      }
    }
  }
}

function withoutMany(error: unknown): never {
  if (!(error instanceof MasterRefusal) || !error.isUnknownCall || isForgotten(error)) throw error;
  throw new GrpcError(grpcStatus.unimplemented, "the master redeems tickets one by one");
}

function redeemedOf({ file_name: fileName, requester, root }: RedeemedAnswer): Redeemed {
  return { fileName, root, requester };
}

function isForgotten(error: unknown): boolean {
  return error instanceof MasterRefusal && error.words === refusalWords.peerUnknown;
}
