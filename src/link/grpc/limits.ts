/** What one gRPC connection may cost us, on either side. */

export type GrpcLimits = {
  /** Calls under way at once on one connection. */
  readonly streamsMax: number;
  /** Headers of one call, bytes, as HTTP/2 counts them. */
  readonly headersMaxBytes: number;
  /** Content that may be under way on one stream, and on the whole connection. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /** A request must be there whole after this time, ms. */
  readonly requestMs: number;
  /** A connection without any traffic is closed after this time, ms. */
  readonly idleMs: number;
  /** Pings of the other side within `pingWindowMs`. */
  readonly pingsMax: number;
  readonly pingWindowMs: number;
  /** Streams that the other side may open and reset at once, and each second after that. */
  readonly resetBurst: number;
  readonly resetsPerS: number;
};

/** Windows of 16 and 32 MiB: with the 64 KiB of HTTP/2 a line of 100 ms carries 0.6 MB/s. */
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
