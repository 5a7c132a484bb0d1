/** The conformance suites as tests of Node's runner. */
import { test } from "node:test";
import { blobChecks, type OpenBlobs } from "../../src/conformance/blob.ts";
import type { Check, SuiteOptions } from "../../src/conformance/check.ts";
import { linkChecks, type OpenLinks } from "../../src/conformance/link.ts";
import { logChecks, type OpenLog } from "../../src/conformance/log.ts";
import { type OpenTextLinks, textLinkChecks } from "../../src/conformance/text-link.ts";

export function logConformance(name: string, open: OpenLog, options?: SuiteOptions): void {
  register(`log ${name}`, logChecks(open, options));
}

export function blobConformance(name: string, open: OpenBlobs, options?: SuiteOptions): void {
  register(`blobs ${name}`, blobChecks(open, options));
}

export function linkConformance(name: string, open: OpenLinks, options?: SuiteOptions): void {
  register(`a link over ${name}`, linkChecks(open, options));
}

export function textLinkConformance(
  name: string,
  open: OpenTextLinks,
  options?: SuiteOptions,
): void {
  register(`a text link over ${name}`, textLinkChecks(open, options));
}

function register(suite: string, checks: readonly Check[]): void {
  for (const { name, run, skip } of checks) test(`${suite}: ${name}`, { skip: skip ?? false }, run);
}
