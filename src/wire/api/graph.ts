/** A job as a graph: the inputs that it reads, its stages, and its result. Progress is in the
 *  job's summary. */

export type GraphNode = {
  /** Unique in the graph: `input-0`, `stage-1`, `result`. */
  readonly id: string;
  /** Nodes that it reads. */
  readonly reads: readonly string[];
} & (
  | {
      readonly kind: "input";
      /** As the job names it; "" = its only one. */
      readonly name: string;
      readonly files: number;
      readonly sizeBytes: number;
      /** Tasks of the first stage that read it. */
      readonly tasks: number;
    }
  | {
      readonly kind: "stage";
      /** Its index in the summary. */
      readonly stage: number;
      /** What an operator does in it, a text a step; empty when that is the job's own code. */
      readonly steps: readonly string[];
    }
  | { readonly kind: "result" }
);

/** Answer of `GET /v1/jobs/:job/graph`. Every node is behind those that it reads. */
export type JobGraph = {
  readonly nodes: readonly GraphNode[];
  /** Its tasks are code that `tequio replay` and `tequio profile` can run. */
  readonly canReplay: boolean;
};

export const graphLimits = {
  /** Inputs with a node of their own; those behind them are in the last. */
  inputs: 16,
  /** Steps of a stage. */
  steps: 20,
  /** Of a text, in characters. */
  text: 200,
} as const;
