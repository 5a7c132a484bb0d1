/** Replaces SHA-256 in the simulated world: 64 hex digits, fast and the same everywhere. Collision
 *  resistance is not needed there. */

/** A cache: mostly the same texts are hashed again. */
const known = new Map<string, string>();
const knownMax = 10_000;

/** 64 hex digits. */
export function digestOf(text: string): string {
  let digest = known.get(text);
  if (digest !== undefined) return digest;
  digest = computed(text);
  if (known.size >= knownMax) known.clear();
  known.set(text, digest);
  return digest;
}

function computed(text: string): string {
  let hex = "";
  for (let part = 0; part < 4; part++) {
    let a = 0xdeadbeef ^ (part * 0x9e3779b9);
    let b = 0x41c6ce57 ^ (part * 0x85ebca6b);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      a = Math.imul(a ^ unit, 2654435761);
      b = Math.imul(b ^ unit, 1597334677);
    }
    a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
    b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
    hex += (a >>> 0).toString(16).padStart(8, "0") + (b >>> 0).toString(16).padStart(8, "0");
  }
  return hex;
}

/** A hash over everything that happens in a world: equal at the end = the same run. */
export class TraceHash {
  #hash = 0x811c9dc5;

  add(number: number): void {
    this.#hash = Math.imul(this.#hash ^ (number | 0), 0x01000193);
    this.#hash = Math.imul(this.#hash ^ ((number * 1024) | 0), 0x01000193);
  }

  addBytes(bytes: Uint8Array): void {
    let hash = this.#hash;
    for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    this.#hash = hash;
  }

  get text(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }
}
