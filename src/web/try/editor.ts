/** The editor of the Try page: Python, or TypeScript with the types of the SDK, all in the page.
 *  Loaded only when it is needed, since the compiler is large. */

import typeFiles from "virtual:type-files";
import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { python } from "@codemirror/lang-python";
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { createSystem, createVirtualTypeScriptEnvironment } from "@typescript/vfs";
import { tsAutocomplete, tsFacet, tsHover, tsLinter, tsSync } from "@valtown/codemirror-ts";
import ts from "typescript";
import type { JobLanguage } from "./code/bundled.ts";
import type { Sample } from "./samples.ts";

const path = "/job.ts";
/** Beside a job in Python: a file without text is none to the compiler, which would not start. */
const noJob = "export {};\n";

/** In the page's own colours, so that they follow light and dark. */
const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier], color: "var(--accent)" },
  { tag: [tags.string, tags.regexp], color: "var(--good)" },
  { tag: tags.comment, color: "var(--quiet)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--warn)" },
  { tag: [tags.typeName, tags.className], color: "var(--tasks)" },
]);

const inPython: Extension = [python(), indentUnit.of("    ")];

function inTypeScript(env: ReturnType<typeof createVirtualTypeScriptEnvironment>): Extension {
  return [
    autocompletion({ override: [tsAutocomplete()] }),
    javascript({ typescript: true }),
    tsFacet.of({ env, path }),
    tsSync(),
    tsLinter(),
    tsHover(),
  ];
}

export type Editor = {
  text(): string;
  replace(text: string, language: JobLanguage): void;
  destroy(): void;
};

export type EditorOptions = {
  readonly parent: HTMLElement;
  /** What is in it at first. */
  readonly first: Pick<Sample, "code" | "language">;
  readonly label: string;
  readonly run: () => void;
};

export function openEditor({ first, label, parent, run }: EditorOptions): Editor {
  const { code: text, language } = first;
  const env = createVirtualTypeScriptEnvironment(
    createSystem(
      new Map([...Object.entries(typeFiles), [path, language === "python" ? noJob : text]]),
    ),
    [path],
    ts,
    {
      target: ts.ScriptTarget.ES2024,
      lib: ["es2024"],
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      strict: true,
      skipLibCheck: true,
      types: [],
    },
  );
  const started = () => {
    run();
    return true;
  };
  const written = new Compartment();
  const helpOf = (of: JobLanguage) => (of === "python" ? inPython : inTypeScript(env));
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        keymap.of([{ key: "Mod-Enter", run: started }]),
        keymap.of([...completionKeymap, ...historyKeymap, ...defaultKeymap]),
        history(),
        lineNumbers(),
        indentOnInput(),
        bracketMatching(),
        syntaxHighlighting(colours),
        written.of(helpOf(language)),
        EditorView.contentAttributes.of({ "aria-label": label }),
        EditorView.lineWrapping,
      ],
    }),
  });
  return {
    text: () => view.state.doc.toString(),
    replace(next, of) {
      // The language first: what checks types does not see Python.
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: "" } });
      view.dispatch({ effects: written.reconfigure(helpOf(of)) });
      view.dispatch({ changes: { from: 0, insert: next } });
    },
    destroy: () => view.destroy(),
  };
}
