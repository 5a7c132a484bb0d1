/** Submits a job before its input files are at the coordinator, and sends them while its first
 *  tasks run: on a slow line the job is nearly over when the last byte has arrived. */
import { ClusterError } from "../core/error.ts";
import type { Plan } from "../wire/block/plan.ts";
import type { Client } from "./client.ts";
import type { Upload } from "./plan/upload.ts";

/** Less is sent in a moment. */
const earlyFromBytes = 8 * 1024 * 1024;

/** Whether it is worth it, and safe: the key of a job must name one that has its input. */
export function mayBeEarly(
  { splits }: Plan,
  uploads: readonly Upload[],
  { key }: { readonly key?: string | null },
): boolean {
  const sizeBytes = uploads.reduce((sum, one) => sum + one.sizeBytes, 0);
  return (key ?? null) === null && splits.length > 1 && sizeBytes >= earlyFromBytes;
}

/** Null where the coordinator wants the input first; other errors stay. */
export function refused(error: unknown): null {
  if (error instanceof ClusterError && error.code === "not-found") return null;
  throw error;
}

/** Sends the input of a job that runs already. One that ends meanwhile needs no more of it; one
 *  whose input cannot be sent is removed, as if it had not been submitted. */
export async function sendBehind(
  client: Client,
  job: string,
  send: (signal: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const [ended, sent] = [new AbortController(), new AbortController()];
  const watching = watchEnd(client, job, sent.signal).then((isOver) => {
    if (isOver) ended.abort();
  });
  try {
    await send(signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]));
  } catch (error) {
    if (!ended.signal.aborted) {
      await withdraw(client, job);
      throw error;
    }
  } finally {
    sent.abort();
    await watching;
  }
}

/** Whether the job has ended; false when that is no longer of interest, or cannot be seen. */
async function watchEnd(client: Client, job: string, signal: AbortSignal): Promise<boolean> {
  try {
    for await (const { state } of client.watch(job, { signal })) {
      if (state !== "running") return true;
    }
  } catch {
    // The caller follows the job next, and sees why.
  }
  return false;
}

async function withdraw(client: Client, job: string): Promise<void> {
  try {
    await client.cancel(job);
    await client.remove(job);
  } catch {
    // The coordinator is away: it gives the job up itself, as nothing more comes.
  }
}
