/** Numbers, sizes, times and durations in the format of the reader's language. */
import { language } from "./language.ts";

export function countText(n: number): string {
  return n.toLocaleString(language());
}

const units = ["B", "KB", "MB", "GB", "TB", "PB"];

export function bytesText(sizeBytes: number): string {
  let size = sizeBytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1;
  return `${size.toLocaleString(language(), { maximumFractionDigits: digits })} ${units[unit]}`;
}

/** `0.4 s`, `12 s`, `3:07`, `1:02:09`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 0.1 && seconds > 0) return `${Math.max(1, Math.round(ms))} ms`;
  if (seconds < 60) {
    const maximumFractionDigits = seconds < 10 ? 1 : 0;
    return `${seconds.toLocaleString(language(), { maximumFractionDigits })} s`;
  }
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** `5 minutes ago`. */
export function agoText(ms: number): string {
  const format = new Intl.RelativeTimeFormat(language(), { numeric: "auto", style: "short" });
  const seconds = Math.max(0, ms / 1000);
  if (seconds < 60) return format.format(-Math.round(seconds), "second");
  if (seconds < 3600) return format.format(-Math.round(seconds / 60), "minute");
  if (seconds < 86_400) return format.format(-Math.round(seconds / 3600), "hour");
  return format.format(-Math.round(seconds / 86_400), "day");
}

export function percentText(share: number): string {
  // 100 % only when it is complete.
  const known = share < 1 ? Math.min(share, 0.99) : 1;
  return known.toLocaleString(language(), { style: "percent" });
}
