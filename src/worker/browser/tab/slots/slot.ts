/** One slot as the controller has it: the port of a sandbox, and the task that runs there. */
import { assert, ClusterError } from "../../../../core/error.ts";
import type { PythonFiles } from "../../../../wire/browser/python-index.ts";
import type {
  FromSandbox,
  FromTaskWorker,
  TaskOrder,
  ToSandbox,
  ToTaskWorker,
} from "../../contract.ts";
import { buffersOf } from "../../handing-over.ts";
import { Unreadable } from "../unreadable.ts";

/** Callbacks for the messages of a task's Worker; `over` is called exactly once. */
export type TaskEars = {
  readonly said: (message: FromTaskWorker) => void;
  /** Null = everything was reported. */
  readonly over: (failure: ClusterError | Unreadable | null) => void;
};

/** An order that a Worker of the slot has, and has not begun. */
export type Handed = {
  readonly id: number;
  readonly port: MessagePort;
  /** Its tasks share a Worker. */
  readonly group: string;
  readonly isPython: boolean;
  /** Its Worker is gone, and what was handed over with it. */
  isLost: boolean;
};

type Running = Omit<Handed, "isLost"> & { readonly ears: TaskEars };

export type SlotOptions = {
  /** See `TabLimits`. */
  readonly silenceMaxMs: number;
  /** Asks for a frame; answered by `give`. */
  readonly want: () => void;
  /** Its frame is to go. */
  readonly drop: () => void;
  /** What Python starts with; null until it was fetched. */
  readonly python: () => PythonFiles | null;
};

/** How long one attempt may compute, and may stand still besides; 0 = as long as it likes. */
export type TaskLimit = { readonly timeoutMs: number; readonly share: number };

/** Python starts within this, ms. */
const pythonStartMaxMs = 120_000;
/** Between two looks at whether the frame is alive, ms. */
const lookEveryMs = 1_000;

export class Slot {
  readonly index: number;
  #port: MessagePort | null = null;
  #hasPython = false;
  #running: Running | null = null;
  #handed: Handed | null = null;
  #lastId = 0;
  /** How long the newest task has stood still, as it says, ms. */
  restedMs = 0;
  #limit: ReturnType<typeof setTimeout> | undefined;
  #endsAtMs = 0;
  #restLeftMs = 0;
  #looking: ReturnType<typeof setInterval> | undefined;
  /** Liveness checks since the last message of the frame or of a task in it. Checks and not time: a
   *  tab that was frozen received nothing in that time, and checked nothing either. */
  #unheard = 0;
  #waiting: Array<(port: MessagePort) => void> = [];
  readonly #options: SlotOptions;

  constructor(index: number, options: SlotOptions) {
    this.index = index;
    this.#options = options;
    options.want();
  }

  /** A sandbox is there. */
  give(port: MessagePort): void {
    this.lose("its sandbox was replaced");
    this.#port = port;
    this.#hasPython = false;
    this.#unheard = 0;
    this.#looking = setInterval(() => this.#look(port), lookEveryMs);
    port.onmessage = ({ data }: MessageEvent<FromSandbox>) => {
      this.#unheard = 0;
      if (data?.kind !== "failed") return;
      if (data.id === this.#running?.id) {
        const text = String(data.message).slice(0, 1_000);
        const isUnable = data.isUnable === true;
        this.#end(isUnable ? new Unreadable(text) : new ClusterError("task-crashed", text));
      } else if (data.id === this.#handed?.id) this.forget(this.#handed);
    };
    for (const given of this.#waiting.splice(0)) given(port);
  }

  /** The sandbox is not to be used any more. */
  replace(why: string): void {
    this.lose(why);
    this.#options.want();
  }

  /** It is lent no more, and runs nothing. */
  close(): void {
    this.lose("its slot is lent no more");
    this.#options.drop();
  }

  lose(why: string): void {
    clearInterval(this.#looking);
    if (this.#handed !== null) this.forget(this.#handed);
    this.#port?.close();
    this.#port = null;
    this.#end(new ClusterError("task-crashed", `the sandbox of the tab ended: ${why}`));
  }

  /** Pings the frame: no browser reports that a frame's process has died, mostly from lack of
   *  memory. */
  #look(port: MessagePort): void {
    const { silenceMaxMs } = this.#options;
    if (this.#unheard++ * lookEveryMs >= silenceMaxMs) {
      this.replace(`it has not answered for ${silenceMaxMs} ms; did it take too much memory?`);
    } else port.postMessage({ kind: "ping" } satisfies ToSandbox);
  }

  /** Whether it has a sandbox within `sandboxMs`. */
  ready(sandboxMs: number): Promise<boolean> {
    if (this.#port !== null) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), sandboxMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  /** A task computes, and no other waits behind it. */
  get canPrefetch(): boolean {
    return this.#running !== null && this.#handed === null;
  }

  /** Gives the order to a Worker, which waits: handing over a large input to another
   *  process takes a good part of the time that the task takes. Null = there is no sandbox. */
  hand(order: TaskOrder): Handed | null {
    const sandbox = this.#port;
    if (sandbox === null) return null;
    const id = ++this.#lastId;
    const { port1, port2 } = new MessageChannel();
    const { group } = order;
    const isPython = order.python !== undefined;
    this.#handed = { id, port: port1, group, isPython, isLost: false };
    if (isPython && !this.#hasPython) this.#givePython(sandbox);
    const handedOver = [port2, ...buffersOf(order)];
    sandbox.postMessage({ kind: "start", id, order } satisfies ToSandbox, handedOver);
    return this.#handed;
  }

  #givePython(sandbox: MessagePort): void {
    const files = this.#options.python();
    assert(files !== null, "Python is fetched before a task of it is handed over");
    sandbox.postMessage({ kind: "python", files } satisfies ToSandbox);
    this.#hasPython = true;
  }

  /** It is to be begun no more. */
  forget(handed: Handed): void {
    if (this.#handed === handed) this.#handed = null;
    handed.isLost = true;
    this.#terminate(handed, true);
  }

  /** Begins what was handed to this slot, and has not been lost. */
  run({ id, port, group, isPython }: Handed, limit: TaskLimit, ears: TaskEars): void {
    this.#handed = null;
    this.#running = { id, port, group, isPython, ears };
    this.restedMs = 0;
    let isStarting = isPython;
    port.onmessage = ({ data }: MessageEvent<FromTaskWorker>) => {
      if (this.#running?.id !== id) return;
      // Its Worker is in the process of the frame.
      this.#unheard = 0;
      if (data?.kind === "over") this.#end(null, data.isReusable === true);
      else if (data?.kind === "began") {
        if (isStarting) this.#arm(limit);
        isStarting = false;
      } else if (data?.kind === "unable") {
        if (isStarting) this.#end(new Unreadable(String(data.message).slice(0, 1_000)));
      } else if (data?.kind === "broken") {
        this.#end(new ClusterError("user-error", String(data.message).slice(0, 2_000)));
      } else if (data?.kind === "load-failed") {
        ears.said(data);
        this.#end(null);
      } else if (data?.kind === "resting") this.#rest(data.ms, limit);
      else {
        // The limit is one attempt's, of which a list of tasks has many.
        if (data?.kind === "reports" || data?.kind === "results") this.#arm(limit);
        ears.said(data);
      }
    };
    port.postMessage({ kind: "go", share: limit.share } satisfies ToTaskWorker);
    if (isStarting) this.#awaitPython();
    else this.#arm(limit);
  }

  #awaitPython(): void {
    clearTimeout(this.#limit);
    const text = `Python did not start within ${pythonStartMaxMs} ms`;
    this.#limit = setTimeout(() => this.#end(new Unreadable(text)), pythonStartMaxMs);
  }

  #arm({ share, timeoutMs }: TaskLimit): void {
    this.#endsAtMs = performance.now() + timeoutMs;
    // The rest that it reports extends the time limit only as far as its share requires.
    this.#restLeftMs = (timeoutMs * (1 - share)) / share;
    this.#endAt(timeoutMs);
  }

  #rest(told: unknown, { timeoutMs }: TaskLimit): void {
    const ms = typeof told === "number" && told > 0 && told < Number.POSITIVE_INFINITY ? told : 0;
    this.restedMs += ms;
    const taken = Math.min(ms, this.#restLeftMs);
    this.#restLeftMs -= taken;
    this.#endsAtMs += taken;
    this.#endAt(timeoutMs);
  }

  #endAt(timeoutMs: number): void {
    clearTimeout(this.#limit);
    if (timeoutMs <= 0) return;
    const text = `it was stopped, since it had not ended after ${timeoutMs} ms`;
    const over = () => this.#end(new ClusterError("timed-out", text));
    this.#limit = setTimeout(over, this.#endsAtMs - performance.now());
  }

  /** Ends the task without calling its callbacks. */
  stop(): void {
    const running = this.#running;
    this.#running = null;
    if (running !== null) this.#over(running, false);
  }

  #end(failure: ClusterError | Unreadable | null, isReusable = false): void {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    this.#over(running, isReusable);
    running.ears.over(failure);
  }

  #over(running: Running, isReusable: boolean): void {
    clearTimeout(this.#limit);
    const handed = this.#handed;
    // It waits in the same Worker.
    const isWithIt = handed?.group === running.group;
    if (!isReusable && isWithIt) this.forget(handed as Handed);
    this.#terminate(running, isReusable);
  }

  #terminate({ id, port }: Running | Handed, keep: boolean): void {
    port.close();
    this.#port?.postMessage({ kind: "stop", id, keep } satisfies ToSandbox);
  }
}
