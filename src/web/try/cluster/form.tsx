/** The form before a job of the editor is submitted: its name, its inputs, its parameters. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Looked, PageJob } from "../../../wire/browser/trial.ts";
import { CallError } from "../../api/client.ts";
import { useMessages } from "../../i18n/language.ts";
import { go } from "../../shell/router.ts";
import type { Sample } from "../samples.ts";
import { type Choice, chosenBy, firstChoice, InputChoice } from "./input-choice.tsx";
import { submitMessages } from "./messages.ts";
import { type Chosen, type Progress, sendJob } from "./send.ts";

type Props = {
  readonly job: PageJob;
  readonly looked: Looked;
  /** Its name is used when the job has none of its own. */
  readonly sample: Pick<Sample, "name" | "input">;
  readonly close: () => void;
};

export function SubmitForm({ close, job, looked, sample }: Props) {
  const say = useMessages(submitMessages);
  const [name, setName] = useState(looked.name === "" ? sample.name : looked.name);
  const [choices, setChoices] = useState<Readonly<Record<string, Choice>>>({});
  const [params, setParams] = useState<Readonly<Record<string, string>>>({});
  const { progress, problem, refuse, send } = useSending();
  const submit = () => {
    const inputs = new Map<string, Chosen>();
    for (const input of looked.inputs) {
      const chosen = chosenBy(choices[input] ?? firstChoice, sample.input);
      if (chosen === null) return refuse(say("noInput"));
      inputs.set(input, chosen);
    }
    send({ job, name: name.trim(), params, inputs });
  };
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <fieldset class="plain stack" disabled={progress !== null}>
        <label class="stack tight">
          <span>{say("name")}</span>
          <input
            type="text"
            required
            maxLength={200}
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        {looked.inputs.map((input) => (
          <InputChoice
            key={input}
            input={input}
            choice={choices[input] ?? firstChoice}
            choose={(choice) => setChoices({ ...choices, [input]: choice })}
          />
        ))}
        <Params looked={looked} params={params} change={setParams} />
      </fieldset>
      <p class="bad message" role="alert">
        {problem}
      </p>
      {progress === null ? null : <Shown progress={progress} />}
      <div class="row right">
        <button type="button" onClick={close}>
          {say("cancel")}
        </button>
        <button type="submit" class="main" disabled={progress !== null}>
          {say("submit")}
        </button>
      </div>
    </form>
  );
}

type ParamsProps = {
  readonly looked: Looked;
  /** Only those that were changed. */
  readonly params: Readonly<Record<string, string>>;
  readonly change: (params: Readonly<Record<string, string>>) => void;
};

function Params({ change, looked, params }: ParamsProps) {
  const say = useMessages(submitMessages);
  const defaults = Object.entries(looked.params);
  if (defaults.length === 0) return null;
  return (
    <fieldset class="choice">
      <legend>{say("params")}</legend>
      {defaults.map(([name, value]) => (
        <label key={name} class="row">
          <code>{name}</code>
          <input
            type="text"
            class="mono stretch"
            spellcheck={false}
            value={params[name] ?? (typeof value === "string" ? value : JSON.stringify(value))}
            onInput={(event) => change({ ...params, [name]: event.currentTarget.value })}
          />
        </label>
      ))}
    </fieldset>
  );
}

function Shown({ progress: { done, file, step } }: { progress: Progress }) {
  const say = useMessages(submitMessages);
  const text = say(step, { file });
  return (
    <div class="stack tight">
      <span class="quiet small message" aria-live="polite">
        {text}
      </span>
      {file === "" ? <progress aria-label={text} /> : <progress aria-label={text} value={done} />}
    </div>
  );
}

/** One submission at a time; it ends with the form. */
function useSending() {
  const [progress, tell] = useState<Progress | null>(null);
  const [problem, refuse] = useState("");
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const send = (wanted: Parameters<typeof sendJob>[0]) => {
    const controller = new AbortController();
    stop.current = controller;
    refuse("");
    sendJob(wanted, { signal: controller.signal, tell }).then(
      (id) => go(`/jobs/${id}`),
      (error: unknown) => {
        if (controller.signal.aborted) return;
        tell(null);
        refuse(error instanceof CallError ? error.message : String(error));
      },
    );
  };
  return { progress, problem, refuse, send };
}
