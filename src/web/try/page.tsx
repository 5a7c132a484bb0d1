/** The Try page: a small job in an editor with types, run here, its result as table and bars. */
import { useEffect, useRef, useState } from "preact/hooks";
import { saveAs } from "../api/save.ts";
import { durationText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { Rich } from "../i18n/rich.tsx";
import { ClusterDialog } from "./cluster/dialog.tsx";
import type { Editor } from "./editor.ts";
import { trialMs } from "./limits.ts";
import { tryMessages } from "./messages.ts";
import { type Ended, Outcome } from "./outcome.tsx";
import { type Sample, samples } from "./samples.ts";

type Shown = Ended | "running" | "too long" | null;

export function TryPage() {
  const say = useMessages(tryMessages);
  const [first] = samples as readonly [Sample];
  const [input, setInput] = useState(first.input);
  const [shown, show] = useState<Shown>(null);
  const [name, setName] = useState(first.name);
  /** What is about to be submitted; null = nothing. */
  const [submitted, submit] = useState<string | null>(null);
  const latest = useRef(input);
  latest.current = input;
  const run = async (text: string) => {
    show("running");
    const { runTrial } = await import("./trial.ts");
    show((await runTrial(text, latest.current)) ?? "too long");
  };
  const { editor, isReady, place } = useEditor(first.code, say("job"), run);
  const begin = (name: string) => {
    const sample = samples.find((one) => one.name === name);
    if (sample === undefined) return;
    editor.current?.replace(sample.code);
    setInput(sample.input);
    setName(sample.name);
    show(null);
  };
  const go = () => void run(editor.current?.text() ?? "");
  const save = () => saveAs("job.ts", new Blob([editor.current?.text() ?? ""]));
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{say("title")}</h1>
      <p class="quiet">
        <Rich text={say("intro")} />
      </p>
      <Tools
        isReady={isReady}
        isRunning={shown === "running"}
        begin={begin}
        save={save}
        run={go}
        submit={() => submit(editor.current?.text() ?? "")}
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
        <label class="panel sample">
          <span class="head">{say("input")}</span>
          <textarea
            class="mono"
            spellcheck={false}
            value={input}
            onInput={(event) => setInput(event.currentTarget.value)}
          />
        </label>
      </div>
      <div aria-live="polite">
        <Answer shown={shown} />
      </div>
      {submitted === null ? null : (
        <ClusterDialog source={submitted} sample={input} name={name} close={() => submit(null)} />
      )}
    </div>
  );
}

type ToolsProps = {
  readonly isReady: boolean;
  readonly isRunning: boolean;
  readonly begin: (sample: string) => void;
  readonly save: () => void;
  readonly run: () => void;
  readonly submit: () => void;
};

function Tools({ begin, isReady, isRunning, run, save, submit }: ToolsProps) {
  const say = useMessages(tryMessages);
  return (
    <div class="row">
      <label class="row">
        <span class="quiet">{say("sample")}</span>
        <select onChange={(event) => begin(event.currentTarget.value)}>
          {samples.map(({ name }) => (
            <option key={name} value={name}>
              {say(name as "words" | "sales" | "tasks")}
            </option>
          ))}
        </select>
      </label>
      <span class="stretch" />
      <button type="button" disabled={!isReady} onClick={save}>
        {say("save")}
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

/** The compiler is several megabytes: the page is there before it. */
function useEditor(text: string, label: string, run: (text: string) => void) {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const running = useRef(run);
  running.current = run;
  const [isReady, setReady] = useState(false);
  useEffect(() => {
    let isGone = false;
    void import("./editor.ts").then(({ openEditor }) => {
      const parent = place.current;
      if (isGone || parent === null) return;
      const own = openEditor({ parent, text, label, run: () => running.current(own.text()) });
      editor.current = own;
      setReady(true);
    });
    return () => {
      isGone = true;
      editor.current?.destroy();
      editor.current = null;
    };
  }, []);
  return { editor, isReady, place };
}
