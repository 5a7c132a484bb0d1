/** Numbers in both directions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bytesText,
  countText,
  durationText,
  parseBytes,
  parseCount,
  parseDuration,
  rateText,
} from "./numbers.ts";

test("bytes have three digits and a decimal unit", () => {
  const table: ReadonlyArray<[number, string]> = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.00 kB"],
    [1530, "1.53 kB"],
    [99_950, "100 kB"],
    [999_999, "1.00 MB"],
    [412_300_000, "412 MB"],
    [2 ** 30, "1.07 GB"],
    [-5, "0 B"],
  ];
  for (const [size, text] of table) assert.equal(bytesText(size), text, String(size));
});

test("counts have separators and speeds one unit", () => {
  assert.equal(countText(1_234_567), "1,234,567");
  assert.equal(rateText(1_250_000), "1.3 MB/s");
  assert.equal(rateText(1_250), "1.25 kB/s");
  assert.equal(rateText(2_345_678_900), "2,346 MB/s");
});

test("durations read as people say them", () => {
  const table: ReadonlyArray<[number, string]> = [
    [0, "0 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [59_949, "59.9 s"],
    [59_960, "1:00"],
    [187_000, "3:07"],
    [3_723_000, "1:02:03"],
    [187_200_000, "2 d 4 h"],
  ];
  for (const [ms, text] of table) assert.equal(durationText(ms), text, String(ms));
});

test("sizes are powers of 1,024 unless they say B", () => {
  const table: ReadonlyArray<[string, number]> = [
    ["2048", 2048],
    ["2048B", 2048],
    ["32M", 32 * 2 ** 20],
    ["32MiB", 32 * 2 ** 20],
    ["32MB", 32e6],
    ["1.5g", 1.5 * 2 ** 30],
    ["1 T", 2 ** 40],
  ];
  for (const [text, size] of table) assert.equal(parseBytes(text, "--memory"), size, text);
});

test("what is no number is refused with the option and an example", () => {
  for (const text of ["", "M", "-1", "1e9", "0", "12X", "99999999T", "NaN"]) {
    assert.throws(
      () => parseBytes(text, "--memory"),
      /^ClusterError: bad-request: --memory .*512M/,
    );
  }
  for (const text of ["", "-1", "1.5", "0", "11", "x"]) {
    const range = { min: 1, max: 10 };
    assert.throws(() => parseCount(text, "--workers", range), /bad-request: --workers .* 1 to 10/);
  }
  for (const text of ["", "5", "5y", "-1h"]) {
    assert.throws(() => parseDuration(text, "--ttl"), /bad-request: --ttl .*24h/);
  }
});

test("a time that never comes is 0", () => {
  assert.equal(parseDuration("never", "--ttl"), 0);
  assert.equal(parseDuration("90s", "--ttl"), 90_000);
  assert.equal(parseDuration("7d", "--ttl"), 604_800_000);
});
