/** The connection to an engine is gone, or does not answer in time: whether the request was carried
 *  out is not known. */
export class ConnectionLost extends Error {}

export function isLost(error: unknown): error is ConnectionLost {
  return error instanceof ConnectionLost;
}
