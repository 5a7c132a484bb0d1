/** The process of `tequio join` that starts the worker's own process, and starts it again after a
 *  crash. It does nothing else, so that nothing of a worker can end it. */
import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { exitCodes } from "../../faults.ts";
import { durationText } from "../../numbers.ts";
import { Backoff } from "../process/backoff.ts";
import type { Tell } from "./news.ts";

/** The worker is killed when it takes so much longer than its time to leave, in ms. */
const leaveHeadMs = 10_000;

type Life = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** It ended as it meant to: by Ctrl-C, or with an error that another try would meet again. */
  readonly isMeant: boolean;
};

/** Sent by a worker process just before it ends as it means to. */
export const endsAsMeant = { kind: "ends-as-meant" } as const;

type Times = {
  /** How long the worker may take after SIGTERM. */
  readonly drainMs: number;
  /** Of all lives together; absent = no end. */
  readonly lifetimeMs: number | undefined;
};

/** The exit code of the last life. */
export async function superviseWorker({ say }: Tell, times: Times): Promise<number> {
  const { drainMs, lifetimeMs = Infinity } = times;
  const endsAtMs = performance.now() + lifetimeMs;
  const stopping = new AbortController();
  const { signal } = stopping;
  const stop = () => stopping.abort();
  process.on("SIGINT", stop).on("SIGTERM", stop);
  const backoff = new Backoff();
  try {
    for (;;) {
      const startedAtMs = performance.now();
      const leftMs = endsAtMs - startedAtMs;
      const life = await oneLife(signal, leftMs, drainMs + leaveHeadMs);
      if (life.isMeant || signal.aborted) return life.code ?? exitCodes.failed;
      const waitMs = backoff.waitMs(performance.now() - startedAtMs);
      const how = life.signal === null ? `with exit code ${life.code}` : `by ${life.signal}`;
      const next = `starting it again in ${durationText(waitMs)}`;
      say("restarting", `the worker process ended ${how}; ${next}`, { retryMs: waitMs });
      await delay(waitMs, null, { signal }).catch(() => {});
      // A life that would take next to no task is not begun; see `checkLeaving`.
      const isOver = endsAtMs - performance.now() < 2 * drainMs;
      if (signal.aborted || isOver) return exitCodes.ok;
    }
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

function oneLife(signal: AbortSignal, leftMs: number, leaveMaxMs: number): Promise<Life> {
  // The last one counts.
  const lifetime = leftMs === Infinity ? [] : ["--lifetime", `${Math.floor(leftMs)}ms`];
  const command = [...process.execArgv, ...process.argv.slice(1), "--supervised", ...lifetime];
  const child = spawn(process.execPath, command, {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    windowsHide: true,
  });
  let isMeant = false;
  let timer: NodeJS.Timeout | undefined;
  // The terminal sends Ctrl-C to the worker, too.
  const passOn = (by: NodeJS.Signals) => child.kill(by);
  process.on("SIGINT", passOn).on("SIGTERM", passOn);
  const stop = () => {
    timer = setTimeout(() => child.kill("SIGKILL"), leaveMaxMs);
  };
  signal.addEventListener("abort", stop, { once: true });
  child.on("message", (message) => {
    isMeant = (message as Partial<typeof endsAsMeant> | null)?.kind === endsAsMeant.kind;
  });
  return new Promise<Life>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, by) => resolve({ code, signal: by, isMeant }));
  }).finally(() => {
    clearTimeout(timer);
    process.off("SIGINT", passOn).off("SIGTERM", passOn);
    signal.removeEventListener("abort", stop);
  });
}
