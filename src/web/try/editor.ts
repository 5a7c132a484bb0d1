/** The editor of the Try page: TypeScript with the types of the SDK, all in the page. Loaded only
 *  when it is needed, since the compiler is large. */

import typeFiles from "virtual:type-files";
import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  syntaxHighlighting,
} from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { createSystem, createVirtualTypeScriptEnvironment } from "@typescript/vfs";
import { tsAutocomplete, tsFacet, tsHover, tsLinter, tsSync } from "@valtown/codemirror-ts";
import ts from "typescript";

const path = "/job.ts";

/** In the page's own colours, so that they follow light and dark. */
const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier], color: "var(--accent)" },
  { tag: [tags.string, tags.regexp], color: "var(--good)" },
  { tag: tags.comment, color: "var(--quiet)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--warn)" },
  { tag: [tags.typeName, tags.className], color: "var(--tasks)" },
]);

export type Editor = {
  text(): string;
  replace(text: string): void;
  destroy(): void;
};

export type EditorOptions = {
  readonly parent: HTMLElement;
  readonly text: string;
  readonly label: string;
  readonly run: () => void;
};

export function openEditor({ label, parent, run, text }: EditorOptions): Editor {
  const env = createVirtualTypeScriptEnvironment(
    createSystem(new Map([...Object.entries(typeFiles), [path, text]])),
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
        autocompletion({ override: [tsAutocomplete()] }),
        javascript({ typescript: true }),
        tsFacet.of({ env, path }),
        tsSync(),
        tsLinter(),
        tsHover(),
        EditorView.contentAttributes.of({ "aria-label": label }),
        EditorView.lineWrapping,
      ],
    }),
  });
  return {
    text: () => view.state.doc.toString(),
    replace(next) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } });
    },
    destroy: () => view.destroy(),
  };
}
