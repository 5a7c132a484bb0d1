/** The public suites of `tequio/conformance`: what a store or link of one's own must do. */
export type { ErrorCode } from "../core/error.ts";
export { ClusterError } from "../core/error.ts";
export type { Link } from "../link/link.ts";
export type { BlobPut, Blobs, PutOptions } from "../store/blob/blob.ts";
export type { Log, LogRecord } from "../store/log/log.ts";
export { blobChecks, type OpenBlobs } from "./blob.ts";
export type { Check, Skips, SuiteOptions } from "./check.ts";
export { linkChecks, type OpenLinks } from "./link.ts";
export { logChecks, type OpenLog } from "./log.ts";
export { type OpenTextLinks, type TextEnd, textLinkChecks } from "./text-link.ts";
