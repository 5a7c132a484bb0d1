/** Submits once, however often that is tried: while the coordinator is unavailable the same is sent
 *  again, under the same idempotency key. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import { steadyMs } from "../../environment/steady.ts";
import { jsonBodyMaxBytes, type Submit } from "../../wire/api/messages.ts";

/** How long it goes on trying, in ms: as transfers do. */
const patienceMs = 60_000;
const backoffMs = 100;
const backoffMaxMs = 2_000;

/** For one submission however often it is sent: forgotten with its job. */
export function freshKey(): string {
  return `once:${randomUUID()}`;
}

export async function submitting<T>(
  submission: Submit,
  send: (submission: Submit) => Promise<T>,
): Promise<T> {
  const fitting = withinBody(submission);
  const giveUpAtMs = steadyMs() + patienceMs;
  for (let waitMs = backoffMs; ; waitMs = Math.min(waitMs * 2, backoffMaxMs)) {
    try {
      return await send(fitting);
    } catch (error) {
      const mayRetry = error instanceof ClusterError && error.code === "unavailable";
      if (!mayRetry || steadyMs() + waitMs > giveUpAtMs) throw ofOlder(error);
    }
    await delay(waitMs);
  }
}

/** How coordinators refuse a field, or a value of one, that they do not know. */
const isUnknown =
  /^this is not a submission: (spec\S*: (?:Unrecognized key|Invalid (?:input$|option|discr)).*)/s;

/** What a client sends has the right form: what the coordinator does not know of it is newer than
 *  the coordinator. To leave it out would change what the job does, or how its result is read. */
function ofOlder(error: unknown): unknown {
  if (!(error instanceof ClusterError) || error.code !== "bad-request") return error;
  const [, what] = isUnknown.exec(error.text) ?? [];
  if (what === undefined) return error;
  const text = `the coordinator does not know a part of this job (${what}), so it is older than`;
  const next = "this client; upgrade the coordinator, or submit with a client of its version";
  return new ClusterError("version-mismatch", `${text} ${next}`, { cause: error });
}

/** Without the wish which machine reads what, when millions of tasks have one: it is worth a copy
 *  over the network, and not the job. */
export function withinBody(submission: Submit): Submit {
  const { spec } = submission;
  const count = spec.locality?.taskHost.length ?? 0;
  // Each is the index of a host: only of a million it has more than seven digits.
  if (count * 8 < jsonBodyMaxBytes) return submission;
  const sizeBytes = Buffer.byteLength(JSON.stringify(submission));
  return sizeBytes <= jsonBodyMaxBytes
    ? submission
    : { ...submission, spec: { ...spec, locality: null } };
}
