/** SHA-256 with an immediate answer: the browser's own is asynchronous, and absent on plain
 *  HTTP. */
import { sha256 } from "@noble/hashes/sha2.js";
import { hexOf } from "../../../wire/hex.ts";

export class Sha256 {
  readonly #hash = sha256.create();

  update(bytes: Uint8Array): this {
    this.#hash.update(bytes);
    return this;
  }

  /** Lowercase hex; nothing may be added after. Not by the library's own function, which looks for
   *  `toHex` when it is loaded: job code does not have it, as in Node. */
  digest(_as: "hex"): string {
    return hexOf(this.#hash.digest());
  }
}
