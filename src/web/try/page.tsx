/** The Try page: a small job in an editor with types, run here, its result as table and bars. */
import { useRef, useState } from "preact/hooks";
import { saveAs } from "../api/save.ts";
import { durationText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { Rich } from "../i18n/rich.tsx";
import { ClusterDialog } from "./cluster/dialog.tsx";
import type { JobLanguage } from "./code/bundled.ts";
import { keepDraft, readDraft } from "./draft.ts";
import { trialMs } from "./limits.ts";
import { tryMessages } from "./messages.ts";
import { type Ended, Outcome } from "./outcome.tsx";
import { type Sample, samples } from "./samples.ts";
import { useEditor } from "./use-editor.ts";

type Shown = Ended | "running" | "too long" | null;

export function TryPage() {
  const say = useMessages(tryMessages);
  const [sample, setSample] = useState(readDraft);
  const [shown, show] = useState<Shown>(null);
  /** The job to be submitted; null = none. */
  const [submitted, submit] = useState<string | null>(null);
  const latest = useRef(sample);
  latest.current = sample;
  const run = async (text: string) => {
    show("running");
    const { runTrial } = await import("./trial.ts");
    show((await runTrial(text, latest.current)) ?? "too long");
  };
  const keep = (code: string) => keepDraft({ ...latest.current, code });
  const { editor, isReady, place } = useEditor({ first: sample, label: say("job"), run, keep });
  const begin = (name: string) => {
    const next = samples.find((one) => one.name === name);
    if (next === undefined) return;
    editor.current?.replace(next.code, next.language);
    setSample(next);
    show(null);
  };
  const source = () => editor.current?.text() ?? "";
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{say("title")}</h1>
      <p class="quiet">
        <Rich text={say("intro", { file: fileOf(sample.language) })} />
      </p>
      <Tools
        sample={sample}
        isReady={isReady}
        isRunning={shown === "running"}
        begin={begin}
        save={() => saveAs(fileOf(sample.language), new Blob([source()]))}
        run={() => void run(source())}
        submit={() => submit(source())}
      />
      <div class="columns">
        <div class="panel">
          <header>
            <h2>{say("job")}</h2>
            <span class="quiet small">{say("keys")}</span>
          </header>
          <div class="editor" ref={place}>
            {isReady ? null : <p class="body quiet">{say("loading")}</p>}
          </div>
        </div>
        <SampleText text={sample.input} change={(text) => setSample({ ...sample, input: text })} />
      </div>
      <div aria-live="polite">
        <Answer shown={shown} />
      </div>
      {submitted === null ? null : (
        <ClusterDialog source={submitted} sample={sample} close={() => submit(null)} />
      )}
    </div>
  );
}

function SampleText({ change, text }: { text: string; change: (text: string) => void }) {
  const say = useMessages(tryMessages);
  return (
    <label class="panel sample">
      <span class="head">{say("input")}</span>
      <textarea
        class="mono"
        spellcheck={false}
        value={text}
        onInput={(event) => change(event.currentTarget.value)}
      />
    </label>
  );
}

type SampleName = "words" | "sales" | "tasks" | "wordsPython" | "salesPython";

function fileOf(language: JobLanguage): string {
  return language === "python" ? "job.py" : "job.ts";
}

type ToolsProps = {
  readonly sample: Sample;
  readonly isReady: boolean;
  readonly isRunning: boolean;
  readonly begin: (sample: string) => void;
  readonly save: () => void;
  readonly run: () => void;
  readonly submit: () => void;
};

function Tools({ begin, isReady, isRunning, run, sample, save, submit }: ToolsProps) {
  const say = useMessages(tryMessages);
  return (
    <div class="row">
      <label class="row">
        <span class="quiet">{say("sample")}</span>
        <select value={sample.name} onChange={(event) => begin(event.currentTarget.value)}>
          {samples.map(({ name }) => (
            <option key={name} value={name}>
              {say(name as SampleName)}
            </option>
          ))}
        </select>
      </label>
      <span class="stretch" />
      <button type="button" disabled={!isReady} onClick={save}>
        {say("save", { file: fileOf(sample.language) })}
      </button>
      <button type="button" id="run-on-cluster" disabled={!isReady} onClick={submit}>
        {say("cluster")}
      </button>
      <button type="button" class="main" id="run" disabled={!isReady || isRunning} onClick={run}>
        {say(isRunning ? "running" : "run")}
      </button>
    </div>
  );
}

function Answer({ shown }: { shown: Shown }) {
  const say = useMessages(tryMessages);
  if (shown === null || shown === "running") {
    return <p class="quiet answer">{say(shown === null ? "nothing" : "running")}</p>;
  }
  if (shown === "too long") {
    return <p class="notice bad">{say("tooLong", { time: durationText(trialMs) })}</p>;
  }
  return <Outcome ended={shown} />;
}
