/** Damage that a check found, and the affected jobs. */
import type { JobId } from "../../core/ids.ts";

export type Damage = {
  readonly kind: "log" | "record" | "snapshot" | "blob" | "file";
  /** Position, hash, or file name; "" for the log as a whole. */
  readonly name: string;
  readonly problem: string;
  readonly jobs: readonly JobId[];
};
