/** What one input of the job reads: the page's sample, files of this device, or shared files. */
import { useState } from "preact/hooks";
import type { SharedFiles } from "../../../wire/api/messages.ts";
import { usePolled } from "../../api/connection.ts";
import { bytesText } from "../../i18n/amounts.ts";
import { useMessages } from "../../i18n/language.ts";
import { submitMessages } from "./messages.ts";
import type { Chosen } from "./send.ts";

const kinds = ["sample", "files", "shared"] as const;
type Kind = (typeof kinds)[number];
export type Choice = {
  readonly kind: Kind;
  readonly files: readonly File[];
  readonly shared: string;
};
export const firstChoice: Choice = { kind: "sample", files: [], shared: "" };
const sampleName = "sample.txt";
const everyMs = 10_000;

/** Null: nothing is chosen yet. */
export function chosenBy({ files, kind, shared }: Choice, sample: string): Chosen | null {
  switch (kind) {
    case "sample":
      return { kind: "files", files: [new File([sample], sampleName)] };
    case "files":
      return files.length === 0 ? null : { kind, files };
    case "shared": {
      // The form of the command line is accepted, too.
      const name = shared.trim().replace(/^shared:/, "");
      return name === "" ? null : { kind, name };
    }
  }
}

type Props = {
  readonly input: string;
  readonly choice: Choice;
  readonly choose: (choice: Choice) => void;
};

export function InputChoice({ choice, choose, input }: Props) {
  const say = useMessages(submitMessages);
  const legend = input === "default" ? say("input") : say("inputOf", { name: input });
  return (
    <fieldset class="choice">
      <legend>{legend}</legend>
      {kinds.map((kind) => (
        <label key={kind} class="row">
          <input
            type="radio"
            name={`input-${input}`}
            value={kind}
            checked={choice.kind === kind}
            onChange={() => choose({ ...choice, kind })}
          />
          {say(kind)}
        </label>
      ))}
      {choice.kind === "files" ? (
        <Files files={choice.files} choose={(files) => choose({ ...choice, files })} />
      ) : null}
      {choice.kind === "shared" ? (
        <Shared
          id={`shared-${input}`}
          name={choice.shared}
          choose={(shared) => choose({ ...choice, shared })}
        />
      ) : null}
    </fieldset>
  );
}

type FilesProps = {
  readonly files: readonly File[];
  readonly choose: (files: readonly File[]) => void;
};

function Files({ choose, files }: FilesProps) {
  const say = useMessages(submitMessages);
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return (
    <div class="stack tight">
      <input
        type="file"
        multiple
        aria-label={say("choose")}
        onChange={(event) => choose([...(event.currentTarget.files ?? [])])}
      />
      {files.length < 2 ? null : (
        <span class="quiet small">{say("chosen", { n: files.length, size: bytesText(size) })}</span>
      )}
    </div>
  );
}

type SharedProps = {
  readonly id: string;
  readonly name: string;
  readonly choose: (name: string) => void;
};

function Shared({ choose, id, name }: SharedProps) {
  const say = useMessages(submitMessages);
  const [wanted, setWanted] = useState(name);
  const path = `/v1/files?find=${encodeURIComponent(wanted)}`;
  const { value } = usePolled<SharedFiles>(path, everyMs);
  return (
    <>
      <input
        type="text"
        class="mono"
        spellcheck={false}
        autocomplete="off"
        list={id}
        aria-label={say("sharedName")}
        placeholder={say("sharedName")}
        value={name}
        onInput={(event) => {
          choose(event.currentTarget.value);
          setWanted(event.currentTarget.value);
        }}
      />
      <datalist id={id}>
        {(value?.files ?? []).map((file) => (
          <option key={file.name} value={file.name} />
        ))}
      </datalist>
    </>
  );
}
