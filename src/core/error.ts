/** The closed list of what can go wrong for a user; every edge maps each code to its own numbers.
 *
 *  Broken laws are not here: they are bugs and throw `Error` from `assert`, which ends the
 *  process. */

export const errorCodes = [
  /** Arguments, files or a job description that cannot be used as given. */
  "bad-request",
  /** The job file does not compile, cannot be bundled, captures a variable, or throws before there
   *  is a job. */
  "build-failed",
  /** No token, or one that is wrong, expired, used up or revoked. */
  "unauthenticated",
  /** A good token that may not do this. */
  "forbidden",
  /** No such job, worker, blob or file. */
  "not-found",
  /** The same idempotency key with another body; a name or port in use. */
  "conflict",
  /** A named limit is exceeded: the message says which option raises it. */
  "limit-exceeded",
  /** The disk is full: nothing was acknowledged; free space and retry. */
  "storage-full",
  /** The disk failed or a stored record is damaged: the message names the record. */
  "storage-failed",
  /** A newer process holds this role: a second coordinator, a later attempt, a worker id in use. */
  "fenced",
  /** The peer speaks another protocol or data version. */
  "version-mismatch",
  /** The peer sent what its protocol forbids; only that link is closed. */
  "protocol-violated",
  /** Not reachable or not ready now. Retryable. */
  "unavailable",
  /** The job's own code threw, or returned what cannot be stored. */
  "user-error",
  /** The process that ran the job's code died: exit, signal, fault. */
  "task-crashed",
  /** The job's code took more memory than the task may have. */
  "out-of-memory",
  /** An attempt ran past its time limit and was killed. */
  "timed-out",
  /** An input, code or intermediate result could not be fetched. Retryable. */
  "download-failed",
  /** Bytes that cannot be computed again are gone or changed. */
  "data-lost",
  /** Two runs of the same task gave different output where they must agree. */
  "nondeterministic",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

const retryableCodes: ReadonlySet<ErrorCode> = new Set([
  "storage-full",
  "unavailable",
  "download-failed",
]);

/** An expected failure: what happened, to which id, what to do next. The code leads the text, since
 *  most tools show only the message. */
export class ClusterError extends Error {
  readonly code: ErrorCode;
  /** True when the same call may succeed later without change. */
  readonly retryable: boolean;
  /** Another attempt of a task would end the same, since the reason is its input. */
  readonly isFinal: boolean;

  constructor(code: ErrorCode, text: string, options?: { cause?: unknown; isFinal?: boolean }) {
    super(`${code}: ${text}`, options);
    this.isFinal = options?.isFinal ?? code === "bad-request";
    this.name = "ClusterError";
    this.code = code;
    this.retryable = retryableCodes.has(code);
  }

  /** The message without its leading code. */
  get text(): string {
    return this.message.slice(this.code.length + 2);
  }
}

/** Of a text that an error's code leads. */
export function isRetryable(message: string): boolean {
  return retryableCodes.has(message.slice(0, message.indexOf(":")) as ErrorCode);
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return errorCodes.includes(value as ErrorCode);
}

/** A law of the core that does not hold is a bug: stop, and let the log bring the state back. */
export function assert(holds: boolean, law: string): asserts holds {
  if (!holds) throw new Error(`broken law: ${law}`);
}
