/** The coordinator that a caller follows: to another port and another certificate, when it has
 *  started again, and among several of one cluster. The one way for all that call one, so that no
 *  caller checks a new coordinator by the fingerprint of an earlier one. */
import { Coordinators } from "./coordinators.ts";

/** One address, or several with commas between them, and the SHA-256 of the certificate; "" = none
 *  pinned. */
export type Place = { readonly url: string; readonly fingerprint: string };

export type FollowedOptions = Place & {
  /** Where it is now; null when that is not known. Default: it does not move. */
  readonly whereNow?: (() => Place | null) | undefined;
  /** See `CoordinatorsOptions`. */
  readonly lookMs?: number;
};

export class Followed {
  readonly #options: FollowedOptions;
  #place: Place;
  #coordinators: Coordinators;

  /** Throws `bad-request` for what is no address. */
  constructor(options: FollowedOptions) {
    const { fingerprint, url } = options;
    this.#options = options;
    this.#place = { url, fingerprint };
    this.#coordinators = this.#at(this.#place);
  }

  /** Of the place that is called now. */
  get coordinators(): Coordinators {
    return this.#coordinators;
  }

  get fingerprint(): string {
    return this.#place.fingerprint;
  }

  /** Whether it is at another place than the one that was called, which is called from now on:
   *  `coordinators` and `fingerprint` are of that one then. */
  hasMoved(): boolean {
    const now = this.#options.whereNow?.() ?? null;
    const { fingerprint, url } = this.#place;
    if (now === null || (now.url === url && now.fingerprint === fingerprint)) return false;
    this.#place = now;
    this.#coordinators = this.#at(now);
    return true;
  }

  #at({ fingerprint, url }: Place): Coordinators {
    const { lookMs } = this.#options;
    return new Coordinators({
      urls: url,
      fingerprint,
      ...(lookMs === undefined ? {} : { lookMs }),
    });
  }
}
