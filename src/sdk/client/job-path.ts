/** Where the calls of a job are in the HTTP API. */
export function jobPath(job: string): string {
  return `/v1/jobs/${encodeURIComponent(job)}`;
}
