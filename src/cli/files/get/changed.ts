/** A file that its owner changes while it is fetched: a user who asked for it by name gets it as it
 *  is now, one who asked for its content by root gets the error that it is gone. */
import { ClusterError } from "../../../core/error.ts";
import type { Fetched } from "../../../peer/fetch/fetcher.ts";
import type { Found } from "../../../peer/found.ts";

/** How often the download is started over. */
const changesMax = 3;

export type Fetching = {
  readonly found: Found;
  /** What the same name stands for now. */
  readonly byName: () => Promise<Found>;
  /** The root was asked for: other content under the name is not what is wanted. */
  readonly isRoot: boolean;
  readonly onNews: (text: string) => void;
};

export async function fetchCurrent(
  { byName, found, isRoot, onNews }: Fetching,
  fetch: (found: Found) => Promise<Fetched>,
): Promise<Fetched> {
  let wanted = found;
  for (let changes = 0; ; changes++) {
    try {
      return await fetch(wanted);
    } catch (error) {
      const now = await changedTo(error, wanted, byName);
      if (now === null) throw error;
      if (isRoot) throw gone(now, wanted);
      if (changes === changesMax) throw restless(now.name);
      onNews(`${now.name} has changed at its owner; fetching it as it is now`);
      wanted = now;
    }
  }
}

/** Null when the failure has another cause. */
async function changedTo(
  error: unknown,
  before: Found,
  byName: () => Promise<Found>,
): Promise<Found | null> {
  if (!(error instanceof ClusterError) || error.code !== "download-failed") return null;
  const now = await byName().catch(() => null);
  return now === null || now.root === null || now.root === before.root ? null : now;
}

function gone({ name, root }: Found, before: Found): ClusterError {
  const text = `${name} has changed at its owner: ${before.root} is not shared any more`;
  const next = `\`tequio get ${name}\` fetches it as it is now (${root})`;
  return new ClusterError("not-found", `${text}; ${next}`);
}

function restless(name: string): ClusterError {
  const text = `${name} has changed ${changesMax + 1} times while it was fetched`;
  return new ClusterError("download-failed", `${text}; run the same command when it is at rest`);
}
