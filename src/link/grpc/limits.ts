/** The resources that one gRPC connection may use, on the client and on the server. */

export type GrpcLimits = {
  /** Calls in progress at once on one connection. */
  readonly streamsMax: number;
  /** Headers of one call, bytes, as HTTP/2 counts them. */
  readonly headersMaxBytes: number;
  /** Content in transit on one stream, and on the whole connection, bytes. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /** A request must be complete after this time, ms. */
  readonly requestMs: number;
  /** A connection without any traffic is closed after this time, ms. */
  readonly idleMs: number;
  /** Pings that the peer may send within `pingWindowMs`. */
  readonly pingsMax: number;
  readonly pingWindowMs: number;
  /** Streams that the peer may open and reset at once, and each second after that. */
  readonly resetBurst: number;
  readonly resetsPerS: number;
};

/** Windows of 16 and 32 MiB: with HTTP/2's default of 64 KiB a line with a delay of 100 ms would
 *  carry only 0.6 MB/s. */
export const defaultGrpcLimits: GrpcLimits = {
  streamsMax: 128,
  headersMaxBytes: 16 * 1024,
  streamWindowBytes: 16 * 1024 * 1024,
  connectionWindowBytes: 32 * 1024 * 1024,
  requestMs: 10_000,
  idleMs: 120_000,
  pingsMax: 100,
  pingWindowMs: 10_000,
  resetBurst: 200,
  resetsPerS: 50,
};
