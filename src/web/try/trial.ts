/** Runs a small job in a sandbox of its own: a frame of another origin without network or storage,
 *  a Worker in it, and an end. */
import ts from "typescript";
import type { TrialAnswer, TrialOrder } from "../../wire/browser/trial.ts";
import type { FromSandbox, SandboxHello, ToSandbox } from "../../worker/browser/contract.ts";
import { trialMs } from "./limits.ts";

/** Null: it ran too long. */
export async function runTrial(source: string, input: string): Promise<TrialAnswer | null> {
  const { default: judge } = await import("virtual:judge-code");
  const code = ts.transpileModule(source, {
    fileName: "job.ts",
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  }).outputText;
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.title = "sandbox";
  frame.hidden = true;
  frame.src = "/sandbox.html";
  try {
    return await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(null), trialMs);
      const end = (answer: TrialAnswer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      frame.addEventListener("load", () => begin(frame, judge, { code, input, end }));
      document.body.append(frame);
    });
  } finally {
    // Its Worker goes with it.
    frame.remove();
  }
}

function begin(
  frame: HTMLIFrameElement,
  taskCode: string,
  trial: { code: string; input: string; end: (answer: TrialAnswer) => void },
): void {
  const { code, end, input } = trial;
  const control = new MessageChannel();
  const answers = new MessageChannel();
  answers.port1.onmessage = ({ data }: MessageEvent<TrialAnswer>) => end(data);
  control.port1.onmessage = ({ data }: MessageEvent<FromSandbox>) => {
    if (data.kind === "failed") end({ kind: "failed", message: data.message, logs: [], tookMs: 0 });
  };
  const hello: SandboxHello = { kind: "sandbox", taskCode };
  frame.contentWindow?.postMessage(hello, "*", [control.port2]);
  const order: TrialOrder = { code, input, pieces: [], segments: [] };
  // The sandbox passes an order on unread.
  const start = { kind: "start", id: 1, order } as unknown as ToSandbox;
  control.port1.postMessage(start, [answers.port2]);
}
