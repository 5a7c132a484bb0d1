/** Numbers and names that people choose, held to their limits; the error names the option and its
 *  range. */
import { ClusterError } from "../../core/error.ts";

export function checkNumber(option: string, value: unknown, min: number, max: number): number {
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) {
    return value as number;
  }
  throw new ClusterError(
    "bad-request",
    `${option} is ${String(value)}; it must be a whole number from ${min} to ${max}`,
  );
}

/** Of a submission; null = it has none. */
export function checkKey(key: string | null): string | null {
  if (key === null || (key.length >= 1 && key.length <= 200)) return key;
  throw new ClusterError(
    "bad-request",
    `the key of the job has ${key.length} characters; it must have 1 to 200`,
  );
}

export function checkName(name: string): string {
  if (name.length >= 1 && name.length <= 200) return name;
  throw new ClusterError(
    "bad-request",
    `the name of the job has ${name.length} characters; it must have 1 to 200`,
  );
}
