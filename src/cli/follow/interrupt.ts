/** Ctrl-C while a job is followed: on a terminal a question, elsewhere cancel first and leave
 *  second. */
import type { Screen } from "../screen.ts";

export type InterruptActions = {
  /** Asks the coordinator to stop the job; the follower then sees it end. */
  cancel(): void;
  /** Stops following. The job goes on. */
  detach(): void;
};

export type InterruptOptions = {
  readonly screen: Screen;
  /** False when the job cannot go on without this process: then Ctrl-C always cancels. */
  readonly detachable: boolean;
};

const question = "[d]etach (the job goes on), [c]ancel the job, any other key: keep following ";

/** Installs the handlers; the returned function removes them. */
export function onInterrupt(actions: InterruptActions, options: InterruptOptions): () => void {
  const { screen, detachable } = options;
  const asks = detachable && screen.live && process.stdin.isTTY === true;
  let state: "following" | "asking" | "cancelling" = "following";
  const cancel = () => {
    state = "cancelling";
    screen.print(`cancelling the job; Ctrl-C again ${detachable ? "detaches" : "ends at once"}`);
    actions.cancel();
  };
  let stopAsking = () => {};
  const ask = () => {
    state = "asking";
    screen.print(question);
    stopAsking = readKey((key) => {
      state = "following";
      if (key === "d" || key === "\x03") actions.detach();
      else if (key === "c") cancel();
    });
  };
  const onSigint = () => {
    if (state !== "following") actions.detach();
    else if (asks) ask();
    else cancel();
  };
  // A signal other than Ctrl-C ends this process and not the job, unless the job runs in this
  // process.
  const onSigterm = () => (detachable ? actions.detach() : cancel());
  process.on("SIGINT", onSigint);
  process.on("SIGTERM", onSigterm);
  return () => {
    process.off("SIGINT", onSigint);
    process.off("SIGTERM", onSigterm);
    stopAsking();
  };
}

/** One key, unbuffered: of several that arrive together, as `c` and Enter do over a slow link, the
 *  first. In raw mode Ctrl-C is the character \x03, not a signal. The returned function gives the
 *  terminal back, also when the job ends before a key was pressed. */
function readKey(answer: (key: string) => void): () => void {
  const { stdin } = process;
  const end = () => {
    stdin.off("data", onKey);
    stdin.setRawMode(false);
    stdin.pause();
  };
  const onKey = (key: Buffer) => {
    end();
    answer(key.toString("utf8").slice(0, 1).toLowerCase());
  };
  stdin.setRawMode(true);
  stdin.on("data", onKey).resume();
  return end;
}
