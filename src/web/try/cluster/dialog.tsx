/** "Run on the cluster": submits the job in the editor, if the reader may. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Failure } from "../../../core/job.ts";
import type { Looked, PageJob } from "../../../wire/browser/trial.ts";
import { durationText } from "../../i18n/amounts.ts";
import { useMessages } from "../../i18n/language.ts";
import { Rich } from "../../i18n/rich.tsx";
import { FailureText } from "../../job/errors.tsx";
import { useMe } from "../../shell/me.ts";
import { bundled, type JobLanguage } from "../code/bundled.ts";
import { BuildFailure } from "../code/failure.ts";
import { trialMs } from "../limits.ts";
import type { Sample } from "../samples.ts";
import { ask } from "../sandboxed.ts";
import { SubmitForm } from "./form.tsx";
import { submitMessages } from "./messages.ts";

type Props = {
  /** The text in the editor. */
  readonly source: string;
  /** Initial values: the name of the job, and an input. */
  readonly sample: Pick<Sample, "name" | "input" | "language">;
  readonly close: () => void;
};

/** Open as long as it is mounted. */
export function ClusterDialog(props: Props) {
  const say = useMessages(submitMessages);
  const me = useMe();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const { close } = props;
  return (
    <dialog ref={dialog} class="submit" aria-labelledby="submit-title" onClose={close}>
      <div class="stack">
        <h2 id="submit-title">{say("title")}</h2>
        {me?.may.includes("submit") ? <Submission {...props} /> : <NoRight close={close} />}
      </div>
    </dialog>
  );
}

function NoRight({ close }: Pick<Props, "close">) {
  const say = useMessages(submitMessages);
  return (
    <>
      <p>
        <strong>{say("noRight")}</strong>
      </p>
      <p>
        <Rich text={say("noRightHelp")} />
      </p>
      <Close close={close} />
    </>
  );
}

function Close({ close }: Pick<Props, "close">) {
  const say = useMessages(submitMessages);
  return (
    <div class="row right">
      <button type="button" class="main" onClick={close}>
        {say("close")}
      </button>
    </div>
  );
}

type Seen =
  | { readonly kind: "job"; readonly job: PageJob; readonly looked: Looked }
  | { readonly kind: "failed"; readonly failure: Failure }
  | { readonly kind: "late" };

function Submission({ close, sample, source }: Props) {
  const say = useMessages(submitMessages);
  const [seen, see] = useState<Seen | null>(null);
  useEffect(() => {
    let isGone = false;
    void look(source, sample.language).then((found) => {
      if (!isGone) see(found);
    });
    return () => {
      isGone = true;
    };
  }, [source, sample.language]);
  if (seen === null) {
    return (
      <p class="quiet" aria-busy="true">
        {say("looking")}
      </p>
    );
  }
  if (seen.kind === "job") {
    return <SubmitForm {...seen} sample={sample} close={close} />;
  }
  return (
    <>
      <div class="notice bad" role="alert">
        {seen.kind === "late" ? (
          say("lookLate", { time: durationText(trialMs) })
        ) : (
          <FailureText failure={seen.failure} />
        )}
      </div>
      <Close close={close} />
    </>
  );
}

async function look(source: string, language: JobLanguage): Promise<Seen> {
  try {
    const job = await bundled(source, language);
    const answer = await ask(job, { kind: "look" });
    if (answer === null) return { kind: "late" };
    if (answer.kind === "looked") return { kind: "job", job, looked: answer };
    if (answer.kind === "failed") return { kind: "failed", failure: answer.failure };
    throw new Error(`a look at a job answered ${answer.kind}`);
  } catch (error) {
    const code = error instanceof BuildFailure ? "build-failed" : "user-error";
    const message = error instanceof BuildFailure ? error.message : String(error);
    return { kind: "failed", failure: { code, message } };
  }
}
