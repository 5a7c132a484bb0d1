/** `crypto` of job code: real random numbers on every engine, and nothing else. */

type CryptoPrototype = { randomUUID?: () => string; subtle?: unknown };

/** Tabs whose page is not a secure context have no `randomUUID` and no `subtle`. */
export function evenCrypto(): void {
  const source = globalThis.crypto;
  const of = Object.getPrototypeOf(source) as CryptoPrototype;
  delete of.subtle;
  if (typeof of.randomUUID === "function") return;
  const randomUUID = (): string => uuidOf(source.getRandomValues(new Uint8Array(16)));
  Object.defineProperty(of, "randomUUID", {
    value: randomUUID,
    writable: true,
    configurable: true,
  });
}

/** Version 4 of RFC 9562. */
function uuidOf(bytes: Uint8Array): string {
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
