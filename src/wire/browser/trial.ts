/** The messages between the Try page and the Worker that loads its job: one order, one answer. The
 *  Worker belongs to job code, so the page trusts its answers no more than the job. */
import type { Failure, JobSpec, OutputFormat } from "../../core/job.ts";
import type { PythonFiles } from "./python-index.ts";

/** The only order of its Worker; a port for the answer comes along. */
export type PageOrder = PageJob & {
  /** No other order goes to this Worker. */
  readonly group: string;
  /** Always empty; a sandbox expects it in every order. */
  readonly pieces: readonly [];
  readonly segments: readonly [];
} & PageWish;

export type PageJob = {
  /** The job and the SDK as one ES module. */
  readonly code: string;
  /** As its author wrote it. */
  readonly source: string;
  /** The syntax tree of `source`, as ESTree. */
  readonly program: object;
  /** Of a job in Python what runs it; `code` is "" then. */
  readonly pythonFiles?: PythonFiles;
};

export type PageWish =
  /** Run it on a sample, in this Worker. */
  | { readonly kind: "try"; readonly input: string }
  /** Describe the job. */
  | { readonly kind: "look" }
  | {
      readonly kind: "plan";
      readonly name: string;
      /** Override the job's defaults. */
      readonly params: Readonly<Record<string, string>>;
      readonly files: readonly GivenFile[];
    };

export type GivenFile = {
  /** The job's input that it belongs to. */
  readonly input: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly at: /** `content` is a Blob. */
    | { readonly kind: "blob"; readonly hash: string; readonly content: { readonly size: number } }
    | { readonly kind: "shared"; readonly root: string; readonly host: string };
};

export type PageAnswer = {
  readonly logs: readonly string[];
  readonly tookMs: number;
} & (Tried | Looked | PlannedJob | { readonly kind: "failed"; readonly failure: Failure });

export type Tried = {
  readonly kind: "tried";
  readonly text: string;
  readonly format: OutputFormat;
  readonly counters: Readonly<Record<string, number>>;
};

export type Looked = {
  readonly kind: "looked";
  /** "" = it has none of its own. */
  readonly name: string;
  /** Names of its inputs; `default` when there is one, none of a list of tasks. */
  readonly inputs: readonly string[];
  /** Defaults of its parameters. */
  readonly params: Readonly<Record<string, unknown>>;
};

export type PlannedJob = {
  readonly kind: "planned";
  readonly spec: JobSpec;
  /** Code, plan and items, by their SHA-256; not the input files. */
  readonly blobs: ReadonlyArray<{ readonly hash: string; readonly bytes: Uint8Array }>;
};
