/** Does one thing with the job of the editor in a sandbox of its own: a frame of another origin
 *  without network or storage, with a Worker in it, removed afterwards. */
import type { PageAnswer, PageJob, PageOrder, PageWish } from "../../wire/browser/trial.ts";
import type { FromSandbox, SandboxHello, ToSandbox } from "../../worker/browser/contract.ts";
import { placed } from "../../worker/browser/tab/reporting/places.ts";
import { pythonStartMs, trialMs } from "./limits.ts";

/** Null: it took too long. Errors have the lines of the editor. */
export async function ask(job: PageJob, wish: PageWish): Promise<PageAnswer | null> {
  const { default: workerCode } = await import("virtual:job-worker");
  const answer = await answerTo(
    { ...wish, ...job, group: "trial", pieces: [], segments: [] },
    workerCode,
  );
  return answer?.kind === "failed" && job.pythonFiles === undefined
    ? { ...answer, failure: placed(answer.failure, job.code) }
    : answer;
}

async function answerTo(order: PageOrder, workerCode: string): Promise<PageAnswer | null> {
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.title = "sandbox";
  frame.hidden = true;
  frame.src = "/sandbox.html";
  try {
    return await new Promise((resolve) => {
      const limitMs = order.pythonFiles === undefined ? trialMs : trialMs + pythonStartMs;
      const timer = setTimeout(() => resolve(null), limitMs);
      const end = (answer: PageAnswer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      frame.addEventListener("load", () => begin(frame, workerCode, order, end));
      document.body.append(frame);
    });
  } finally {
    // The Worker ends with its frame.
    frame.remove();
  }
}

function begin(
  frame: HTMLIFrameElement,
  taskCode: string,
  order: PageOrder,
  end: (answer: PageAnswer) => void,
): void {
  const control = new MessageChannel();
  const answers = new MessageChannel();
  answers.port1.onmessage = ({ data }: MessageEvent<PageAnswer>) => end(data);
  control.port1.onmessage = ({ data }: MessageEvent<FromSandbox>) => {
    if (data.kind !== "failed") return;
    const { message } = data;
    end({ kind: "failed", failure: { code: "user-error", message }, logs: [], tookMs: 0 });
  };
  const hello: SandboxHello = { kind: "sandbox", taskCode };
  frame.contentWindow?.postMessage(hello, "*", [control.port2]);
  // The sandbox passes an order on unread.
  const start = { kind: "start", id: 1, order } as unknown as ToSandbox;
  control.port1.postMessage(start, [answers.port2]);
}
