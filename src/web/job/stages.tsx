/** The stages of a job and their progress. */
import type { JobSummary, StageSummary } from "../../core/summary.ts";
import { bytesText, countText, durationText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { jobMessages } from "../jobs/messages.ts";
import { stageName } from "./stage-name.ts";

export function Stages({ job }: { job: JobSummary }) {
  const say = useMessages(jobMessages);
  const kinds = job.stages.map(({ kind }) => kind);
  return (
    <section class="panel" aria-labelledby="stages-title">
      <header>
        <h2 id="stages-title">{say("stages")}</h2>
      </header>
      <div class="body stack">
        {job.stages.map((stage, index) => (
          <Stage
            key={index}
            name={stageName(kinds, index)}
            stage={stage}
            atMs={job.endedAtMs || job.atMs}
          />
        ))}
      </div>
    </section>
  );
}

type StageProps = {
  readonly name: string;
  readonly stage: StageSummary;
  readonly atMs: number;
};

function Stage({ atMs, name, stage }: StageProps) {
  const say = useMessages(jobMessages);
  const { done, kind, ready, running, taskCount, waiting } = stage;
  const part = (n: number) => `${(100 * n) / Math.max(1, taskCount)}%`;
  const title = say("tasksDone", { done: countText(done), all: countText(taskCount) });
  return (
    <div class="stage">
      <div class="row">
        <h3>
          <i class={`swatch ${kind}`} /> {name}
        </h3>
        <span class="number">{title}</span>
        <span class="number quiet stretch right">{timeOf(stage, atMs)}</span>
      </div>
      <div class={`bar ${kind}`} role="img" aria-label={`${name}: ${title}`}>
        <i class="done" style={{ width: part(done) }} />
        <i class="running" style={{ width: part(running) }} />
      </div>
      <ul class="facts quiet small number">
        {running > 0 ? <li>{say("nowRunning", { n: running })}</li> : null}
        {ready > 0 ? <li>{say("nowReady", { n: ready })}</li> : null}
        {waiting > 0 ? <li>{say("nowWaiting", { n: waiting })}</li> : null}
        <Facts stage={stage} />
      </ul>
    </div>
  );
}

function Facts({ stage }: { stage: StageSummary }) {
  const say = useMessages(jobMessages);
  const { attemptsFailed, attemptsLost, backups, inputBytes, inputBytesDone, meanMs } = stage;
  const all = bytesText(inputBytes);
  return (
    <>
      {inputBytes > 0 ? (
        <li>{say("bytesRead", { done: bytesText(inputBytesDone), all })}</li>
      ) : null}
      {stage.outputBytes > 0 ? (
        <li>{say("written", { bytes: bytesText(stage.outputBytes) })}</li>
      ) : null}
      {meanMs > 0 ? <li>{say("meanTime", { time: durationText(meanMs) })}</li> : null}
      {(stage.tasksFailed ?? 0) > 0 ? (
        <li class="bad">{say("tasksFailed", { n: stage.tasksFailed ?? 0 })}</li>
      ) : null}
      {attemptsFailed > 0 ? <li class="bad">{say("retried", { n: attemptsFailed })}</li> : null}
      {attemptsLost > 0 ? <li class="warn">{say("lostAttempts", { n: attemptsLost })}</li> : null}
      {backups > 0 ? <li>{say("backups", { n: backups })}</li> : null}
    </>
  );
}

function timeOf({ endedAtMs, startedAtMs }: StageSummary, atMs: number): string {
  return startedAtMs === 0 ? "" : durationText((endedAtMs || atMs) - startedAtMs);
}
