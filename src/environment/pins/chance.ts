/** `crypto` of job code: real random numbers on every engine, and nothing else; refused where
 *  results are compared, since no other attempt would draw the same. */

type Draws = { getRandomValues: (into: object) => object; randomUUID?: () => string };

let isRefused = false;

/** For the code that runs from now on. */
export function refuseChance(isIt: boolean): void {
  isRefused = isIt;
}

/** Tabs whose page is not a secure context have no `randomUUID` and no `subtle`. */
export function evenCrypto(): void {
  const source = globalThis.crypto;
  const of = Object.getPrototypeOf(source) as Draws & { subtle?: unknown };
  delete of.subtle;
  const { getRandomValues, randomUUID } = of;
  const draw = (bytes: Uint8Array) => getRandomValues.call(source, bytes) as Uint8Array;
  replace(of, "getRandomValues", function drawn(this: unknown, into: object): object {
    if (isRefused) throw refusal("crypto.getRandomValues");
    return Reflect.apply(getRandomValues, this, [into]) as object;
  });
  replace(of, "randomUUID", function drawn(this: unknown): string {
    if (isRefused) throw refusal("crypto.randomUUID");
    if (randomUUID === undefined) return uuidOf(draw(new Uint8Array(16)));
    return Reflect.apply(randomUUID, this, []);
  });
}

function refusal(what: string): Error {
  return new Error(
    `${what} is refused, since volunteers compute this job and their results are compared: no ` +
      "other attempt would draw the same. Use Math.random, which draws the same in all of them " +
      '(`seed` gives others), or say chance: "real" in the job for numbers that do not reach its ' +
      "result (docs/environment.md)",
  );
}

function replace(of: object, name: string, value: (...values: never[]) => unknown): void {
  Object.defineProperty(value, "name", { value: name, configurable: true });
  Object.defineProperty(of, name, { value, writable: true, configurable: true, enumerable: true });
}

/** Version 4 of RFC 9562. */
function uuidOf(bytes: Uint8Array): string {
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
