/** The profiles that are kept with a job: one of them as a flame graph, and as a table. */
import { useEffect, useState } from "preact/hooks";
import type { JobSummary } from "../../core/summary.ts";
import type { Profiles, TaskProfile } from "../../wire/api/profile.ts";
import { call } from "../api/client.ts";
import { usePolled } from "../api/connection.ts";
import { say, useMessages } from "../i18n/language.ts";
import { Rich } from "../i18n/rich.tsx";
import { stageName } from "../job/stage-name.ts";
import { FlameGraph } from "./graph.tsx";
import { flameMessages } from "./messages.ts";
import { SpentTable } from "./table.tsx";

export type ShownProfile = { readonly by: string; readonly profile: TaskProfile };

const everyMs = 5_000;

/** Of a job at the coordinator: what is kept there, as it comes. */
type LiveProps = {
  readonly job: JobSummary;
  /** Say how to make one, when there is none. */
  readonly hasHint: boolean;
};

export function LiveProfiles({ hasHint, job }: LiveProps) {
  const tell = useMessages(flameMessages);
  const { value } = usePolled<Profiles>(`/v1/jobs/${job.job}/profiles`, everyMs);
  const [read, add] = useState<ReadonlyMap<string, TaskProfile>>(new Map());
  const kept = value?.profiles ?? [];
  const missing = kept.find(({ hash }) => !read.has(hash))?.hash ?? null;
  useEffect(() => {
    if (missing === null) return;
    const stop = new AbortController();
    call<TaskProfile>(`/v1/blobs/${missing}`, { signal: stop.signal }).then(
      (profile) => add((before) => new Map([...before, [missing, profile]])),
      // The next answer tries again.
      () => {},
    );
    return () => stop.abort();
  }, [missing, value]);
  const shown = kept.flatMap(({ by, hash }): ShownProfile[] => {
    const profile = read.get(hash);
    return profile === undefined ? [] : [{ by, profile }];
  });
  if (hasHint && value !== null && kept.length === 0) {
    return (
      <p class="quiet small">
        <Rich text={tell("hint", { job: job.job })} />
      </p>
    );
  }
  return <ProfilePanel job={job} shown={shown} />;
}

/** Newest last. */
export function ProfilePanel({ job, shown }: { job: JobSummary; shown: readonly ShownProfile[] }) {
  const tell = useMessages(flameMessages);
  const [chosen, choose] = useState<string | null>(null);
  const names = shown.map(({ profile }) => nameOf(job, profile));
  const found = shown[chosen === null ? -1 : names.indexOf(chosen)] ?? shown.at(-1);
  if (found === undefined) return null;
  const { by, profile } = found;
  const name = nameOf(job, profile);
  return (
    <section class="panel flame-panel" aria-labelledby="flame-title">
      <header>
        <h2 id="flame-title">{tell("title")}</h2>
        {shown.length === 1 ? (
          <span class="number">{name}</span>
        ) : (
          <label class="row small">
            <span class="quiet">{tell("which")}</span>
            <select value={name} onChange={(event) => choose(event.currentTarget.value)}>
              {names.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
        )}
        <span class="quiet small">{tell("samples", { n: profile.samples, by })}</span>
      </header>
      <div class="body stack">
        <FlameGraph key={name} frames={profile.frames} name={name} />
        <SpentTable frames={profile.frames} />
      </div>
    </section>
  );
}

function nameOf({ stages }: JobSummary, { stage, task }: TaskProfile): string {
  const kinds = stages.map(({ kind }) => kind);
  if (kinds[stage] === "tasks") return say(flameMessages, "task", { task });
  return say(flameMessages, "taskOf", { stage: stageName(kinds, stage), task });
}
