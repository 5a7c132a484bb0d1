/** The editor as a component, as long as the page is mounted. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Editor } from "./editor.ts";
import type { Sample } from "./samples.ts";

type Editing = {
  /** What is in it when it opens. */
  readonly first: Pick<Sample, "code" | "language">;
  readonly label: string;
  readonly run: (text: string) => void;
  /** Called when the reader leaves. */
  readonly keep: (text: string) => void;
};

/** The compiler has several megabytes: the page is shown before it is loaded. */
export function useEditor(options: Editing) {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const latest = useRef(options);
  latest.current = options;
  const [isReady, setReady] = useState(false);
  useEffect(() => {
    let isGone = false;
    void import("./editor.ts").then(({ openEditor }) => {
      const parent = place.current;
      if (isGone || parent === null) return;
      // A sample may have been chosen since.
      const { first, label } = latest.current;
      const run = () => latest.current.run(own.text());
      const own = openEditor({ parent, first, label, run });
      editor.current = own;
      setReady(true);
    });
    const keep = () => {
      if (editor.current !== null) latest.current.keep(editor.current.text());
    };
    addEventListener("pagehide", keep);
    return () => {
      isGone = true;
      keep();
      removeEventListener("pagehide", keep);
      editor.current?.destroy();
      editor.current = null;
    };
  }, []);
  return { editor, isReady, place };
}
