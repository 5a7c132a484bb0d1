/** Status codes of gRPC, and their mapping to and from error codes. */
import { ClusterError, type ErrorCode } from "../../core/error.ts";

export const grpcStatus = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

export const statusOfCode: Readonly<Record<ErrorCode, number>> = {
  "bad-request": grpcStatus.invalidArgument,
  "build-failed": grpcStatus.invalidArgument,
  unauthenticated: grpcStatus.unauthenticated,
  forbidden: grpcStatus.permissionDenied,
  "not-found": grpcStatus.notFound,
  conflict: grpcStatus.aborted,
  "limit-exceeded": grpcStatus.resourceExhausted,
  "storage-full": grpcStatus.resourceExhausted,
  "storage-failed": grpcStatus.internal,
  fenced: grpcStatus.aborted,
  "version-mismatch": grpcStatus.unimplemented,
  "protocol-violated": grpcStatus.invalidArgument,
  unavailable: grpcStatus.unavailable,
  "user-error": grpcStatus.unknown,
  "task-crashed": grpcStatus.internal,
  "out-of-memory": grpcStatus.resourceExhausted,
  "timed-out": grpcStatus.deadlineExceeded,
  "download-failed": grpcStatus.unavailable,
  "data-lost": grpcStatus.dataLoss,
  nondeterministic: grpcStatus.internal,
};

const codeOfStatus: readonly ErrorCode[] = [
  "protocol-violated",
  "unavailable",
  "download-failed",
  "bad-request",
  "timed-out",
  "not-found",
  "conflict",
  "forbidden",
  "limit-exceeded",
  "bad-request",
  "conflict",
  "bad-request",
  "version-mismatch",
  "download-failed",
  "unavailable",
  "data-lost",
  "unauthenticated",
];

/** A call whose status is not OK. `status` is kept, since there are fewer error codes. */
export class GrpcError extends ClusterError {
  readonly status: number;
  /** `answered`: the server sent the status. `connection-lost`: the connection ended before the
   *  answer did, as with a server that does not speak HTTP/2; the status is the client's. */
  readonly origin: "answered" | "connection-lost";

  constructor(
    status: number,
    details: string,
    options: { cause?: unknown; origin?: GrpcError["origin"] } = {},
  ) {
    const { origin = "answered", ...rest } = options;
    super(codeOfStatus[status] ?? "download-failed", details || `gRPC status ${status}`, rest);
    this.status = status;
    this.origin = origin;
  }
}

/** Whether the connection ended before the call was answered. */
export function isConnectionLost(error: unknown): boolean {
  return error instanceof GrpcError && error.origin === "connection-lost";
}

/** The status and the message that answer a failed call; details of unexpected failures are not
 *  sent. */
export function statusOf(error: unknown): { readonly status: number; readonly details: string } {
  if (error instanceof GrpcError) return { status: error.status, details: error.text };
  if (error instanceof ClusterError) {
    return { status: statusOfCode[error.code], details: error.text };
  }
  return { status: grpcStatus.internal, details: "the peer failed; see its log" };
}

const httpStatuses: Readonly<Record<number, number>> = {
  400: grpcStatus.internal,
  401: grpcStatus.unauthenticated,
  403: grpcStatus.permissionDenied,
  404: grpcStatus.unimplemented,
  429: grpcStatus.unavailable,
  502: grpcStatus.unavailable,
  503: grpcStatus.unavailable,
  504: grpcStatus.unavailable,
};

/** For answers of proxies and of servers that do not speak gRPC (gRPC's
 *  http-grpc-status-mapping). */
export function statusOfHttp(status: number): number {
  return httpStatuses[status] ?? grpcStatus.unknown;
}

const resetStatuses: Readonly<Record<number, number>> = {
  7: grpcStatus.unavailable,
  8: grpcStatus.cancelled,
  11: grpcStatus.resourceExhausted,
  12: grpcStatus.permissionDenied,
};

/** For streams that were reset instead of answered, by HTTP/2's error code. */
export function statusOfReset(code: number): number {
  return resetStatuses[code] ?? (code === 0 ? grpcStatus.unavailable : grpcStatus.internal);
}
