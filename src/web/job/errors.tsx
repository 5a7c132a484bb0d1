/** The errors of a job, with their places in the job's own file. */
import type { Failure } from "../../core/job.ts";
import type { JobSummary } from "../../core/summary.ts";
import { useMessages } from "../i18n/language.ts";
import { jobMessages } from "../jobs/messages.ts";

export function Errors({ job }: { job: JobSummary }) {
  const say = useMessages(jobMessages);
  if (job.failure === null && job.errors.length === 0) return null;
  return (
    <section class="panel" aria-labelledby="errors-title">
      <header>
        <h2 id="errors-title">{say("errors")}</h2>
      </header>
      <div class="body stack">
        {job.failure === null ? null : (
          <div class="notice bad">
            <h3>{say("failure")}</h3>
            <FailureText failure={job.failure} />
          </div>
        )}
        {grouped(job.errors).map(({ error, where }) => (
          <div key={where} class="error">
            <p class="quiet small">{where}</p>
            <FailureText failure={error} />
          </div>
        ))}
      </div>
    </section>
  );
}

/** Equal errors are grouped, with all their places. */
function grouped(errors: JobSummary["errors"]): Array<{ error: Failure; where: string }> {
  const groups = new Map<string, { error: Failure; where: string }>();
  for (const error of errors) {
    const key = `${error.code} ${error.message} ${error.task}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { error, where: `${error.task} · ${error.worker}` });
    else if (!group.where.includes(error.worker)) group.where += `, ${error.worker}`;
  }
  return [...groups.values()];
}

export function FailureText({ failure }: { failure: Failure }) {
  const say = useMessages(jobMessages);
  const place = placeOf(failure.stack ?? "");
  return (
    <>
      <p class="message">
        <code>{failure.code}</code> {failure.message}{" "}
        {place === "" ? null : <strong class="mono">{say("at", { place })}</strong>}
      </p>
      {failure.stack === undefined ? null : (
        <details class="fold">
          <summary>{say("stack")}</summary>
          <pre class="text">{failure.stack}</pre>
        </details>
      )}
    </>
  );
}

/** `job.ts:17:5`: the topmost stack line in the job's own code. */
export function placeOf(stack: string): string {
  return /([\w.-]+\.[cm]?[jt]sx?:\d+(?::\d+)?)/.exec(stack)?.[1] ?? "";
}
