/** In the build for pages in the place of `sdk/collect.ts`: a page has no folders. */
import { ClusterError } from "../../core/error.ts";

export async function collect(): Promise<never> {
  const text = "a page has no folders: read `files()` or `rows()` of the result";
  throw new ClusterError("bad-request", text);
}
