/** Numbers as people read and write them: bytes, rates, durations, counts with separators. */
import { ClusterError } from "../core/error.ts";

/** 1234567 → "1,234,567". Not by `toLocaleString`: loading its tables takes 15 ms of every
 *  start. */
export function countText(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(?:[0-9]{3})+$)/g, ",");
}

/** 1 job, 2 jobs. */
export function plural(count: number, word: string): string {
  return `${countText(count)} ${word}${count === 1 ? "" : "s"}`;
}

const decimalUnits = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Decimal units, three digits: 532 B, 1.53 kB, 412 MB. */
export function bytesText(sizeBytes: number): string {
  let value = Math.max(0, sizeBytes);
  let unit = 0;
  while (value >= 999.5 && unit < decimalUnits.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${decimalUnits[unit]}`;
}

/** In MB/s, so that the unit does not change while one reads it; unless that would be 0.0. */
export function rateText(bytesPerS: number): string {
  if (bytesPerS < 50_000) return `${bytesText(bytesPerS)}/s`;
  const megabytes = bytesPerS / 1e6;
  return `${megabytes >= 99.95 ? countText(megabytes) : megabytes.toFixed(1)} MB/s`;
}

/** 340 ms, 4.2 s, 3:07, 1:02:03, 2 d 4 h. */
export function durationText(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  const two = (n: number) => String(n).padStart(2, "0");
  if (hours > 0) return `${hours}:${two(minutes % 60)}:${two(seconds % 60)}`;
  return `${minutes}:${two(seconds % 60)}`;
}

const sizePattern = /^([0-9]+(?:\.[0-9]+)?)\s*(?:([kmgt])(b|ib)?|b)?$/i;
const powers: Readonly<Record<string, number>> = { k: 1, m: 2, g: 3, t: 4 };

/** "2G" and "2GiB" are powers of 1,024, "2GB" of 1,000, "2048" bytes. */
export function parseBytes(text: string, option: string): number {
  const match = sizePattern.exec(text.trim());
  const letter = match?.[2]?.toLowerCase();
  const base = match?.[3]?.toLowerCase() === "b" ? 1000 : 1024;
  const value = Number(match?.[1] ?? "x") * (letter ? base ** (powers[letter] ?? 0) : 1);
  if (!Number.isFinite(value) || value < 1 || value > Number.MAX_SAFE_INTEGER) {
    throw new ClusterError(
      "bad-request",
      `${option} ${text} is not a size; write bytes or a number with K, M, G or T, as in 512M`,
    );
  }
  return Math.floor(value);
}

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** "90s", "15m", "24h", "7d"; "never" is 0. */
export function parseDuration(text: string, option: string): number {
  if (text === "never" || text === "0") return 0;
  const match = /^([0-9]+)(ms|s|m|h|d)$/.exec(text.trim());
  const value = Number(match?.[1] ?? "x") * (durationUnits[match?.[2] ?? ""] ?? Number.NaN);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new ClusterError(
      "bad-request",
      `${option} ${text} is not a duration; write a number with s, m, h or d, as in 24h, or ` +
        '"never"',
    );
  }
  return value;
}

export function parseCount(
  text: string,
  option: string,
  range: { readonly min: number; readonly max: number },
): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= range.min && value <= range.max)) {
    throw new ClusterError(
      "bad-request",
      `${option} ${text} is not a whole number from ${countText(range.min)} to ` +
        countText(range.max),
    );
  }
  return value;
}
