/** A console operation that failed: the sentence that users of the protocol know, and why. */
import { ClusterError } from "../../core/error.ts";
import type { Operation, Outcome } from "../../wire/console/messages.ts";
import { phrase } from "../../wire/console/phrases.ts";

export class ConsoleFailure extends Error {
  readonly operation: Operation;
  readonly outcome: Outcome;
  /** What the sentence does not say: what happened here, and what to do; "" when it says all. */
  readonly detail: string;

  constructor(
    operation: Operation,
    outcome: Outcome,
    detail = "",
    options: { readonly cause?: unknown } = {},
  ) {
    super(phrase(operation, outcome), options);
    this.name = "ConsoleFailure";
    this.operation = operation;
    this.outcome = outcome;
    this.detail = detail;
  }

  /** An expected failure of any other part, as one of this operation. A bug stays what it is. */
  static of(operation: Operation, error: unknown): ConsoleFailure {
    if (error instanceof ConsoleFailure) return error;
    const cause = { cause: error };
    if (error instanceof ClusterError) {
      return new ConsoleFailure(operation, "other", error.text, cause);
    }
    const { code, syscall, path } = (error ?? {}) as NodeJS.ErrnoException;
    if (typeof code !== "string" || syscall === undefined) throw error;
    return new ConsoleFailure(operation, "other", `${path ?? syscall}: ${code}`, cause);
  }
}
