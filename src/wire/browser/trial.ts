/** What the Try page and the Worker that judges a small job say to each other. */
import type { OutputFormat } from "../../core/job.ts";

/** The Worker's first and only message; a port for the answer comes along. */
export type TrialOrder = {
  /** The job as a CommonJS module that requires nothing but the SDK. */
  readonly code: string;
  readonly input: string;
  /** As a sandbox wants it of every order. */
  readonly pieces: readonly [];
  readonly segments: readonly [];
};

export type TrialAnswer = {
  readonly logs: readonly string[];
  readonly tookMs: number;
} & (
  | {
      readonly kind: "done";
      readonly text: string;
      readonly format: OutputFormat;
      readonly counters: Readonly<Record<string, number>>;
    }
  | { readonly kind: "failed"; readonly message: string }
);
