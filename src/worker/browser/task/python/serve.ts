/** A task's Worker of a job in Python: it starts Python once, and runs tasks of the job. */
import { taskModule } from "../../../../wire/browser/python-begin.ts";
import type { FromTask } from "../../../process/messages.ts";
import { shown } from "../../../task/thrown.ts";
import type {
  FromTaskWorker,
  PythonCode,
  PythonSnapshot,
  PythonStart,
  TaskFiles,
  TaskOrder,
} from "../../contract.ts";
import { countedSource } from "../counted-source.ts";
import { narrow } from "../narrow.ts";
import { Pace } from "../pace.ts";
import { portionMs } from "../portion.ts";
import { type Pyodide, type RunPython, startPython } from "./engine.ts";

type Say = (message: FromTaskWorker, handedOver?: Transferable[]) => void;
type Scope = {
  postMessage(message: PythonSnapshot, handedOver: Transferable[]): void;
  addEventListener(kind: string, listener: (event: never) => void): void;
};

const out = "/task/out";
const fileNames = ["run", "manifest", "part", "bad"] as const;
/** Python gets its input in parts of so many bytes, and may stand still between them. */
const partBytes = 256 * 1024;
const pacedPartBytes = 16 * 1024;

type StartProcess = { start(post: (text: string | null) => void): RunPython };
type Python = { readonly engine: Pyodide; readonly run: RunPython };

export class PythonWorker {
  readonly #starting: Promise<Python>;
  /** The task at hand; messages of Python are its. */
  #say: Say = () => {};
  #isOver = false;
  #isDone = false;

  constructor(scope: Scope, start: PythonStart) {
    this.#starting = this.#start(scope, start);
    // Each task that comes reports it.
    this.#starting.catch(() => {});
    scope.addEventListener("error", (event: ErrorEvent) =>
      this.#broken(event.error ?? event.message),
    );
    scope.addEventListener("unhandledrejection", (event: PromiseRejectionEvent) =>
      this.#broken(event.reason),
    );
  }

  async #start(scope: Scope, start: PythonStart): Promise<Python> {
    narrow();
    const engine = await startPython(start, {
      first: taskModule,
      taken: (bytes) => scope.postMessage({ kind: "snapshot", bytes }, [bytes.buffer]),
    });
    engine.FS.mkdirTree("/in");
    engine.FS.mkdirTree("/job");
    const process = engine.pyimport(taskModule) as StartProcess;
    const run = process.start((text) => this.#heard(text));
    return { engine, run };
  }

  async serve(order: TaskOrder, share: number, port: MessagePort): Promise<void> {
    this.#say = (message, handedOver = []) => port.postMessage(message, handedOver);
    this.#isOver = false;
    this.#isDone = false;
    let python: Python;
    try {
      python = await this.#starting;
    } catch (error) {
      this.#say({ kind: "unable", message: `Python does not start here: ${shown(error)}` });
      return;
    }
    this.#say({ kind: "began" });
    try {
      this.#run(python, order, share);
    } catch (error) {
      this.#broken(error);
    }
  }

  #run({ engine: { FS }, run }: Python, order: TaskOrder, share: number): void {
    const say = this.#say;
    const pace = new Pace(share, (ms) => say({ kind: "resting", ms }));
    const { hash, zip } = order.python as PythonCode;
    const codePath = `/job/${hash}.zip`;
    if (!FS.analyzePath(codePath).exists) FS.writeFile(codePath, zip);
    const inputs = order.segments.map((bytes, i) => {
      FS.writeFile(`/in/${i}`, bytes, { canOwn: true });
      return { path: `/in/${i}`, offset: 0, sizeBytes: bytes.length };
    });
    try {
      run(JSON.stringify(loadOf(order, codePath, inputs, share)), sourceOf(order, pace), () =>
        pace.breathe(),
      );
    } finally {
      for (const { path } of inputs) FS.unlink(path);
    }
    if (this.#isOver) return;
    if (this.#isDone && order.kind !== "tasks") handOver(FS, say);
    say({ kind: "over", isReusable: true });
  }

  /** Null: job code has ended the Worker. */
  #heard(text: string | null): void {
    if (this.#isOver) return;
    if (text === null) {
      this.#isOver = true;
      this.#say({ kind: "over" });
      return;
    }
    const message = JSON.parse(text) as FromTask;
    // The Worker is ended then, and with it what was loaded.
    if (message.kind === "load-failed") this.#isOver = true;
    if (message.kind === "reports") {
      this.#isDone = message.reports.every(({ kind }) => kind === "done");
    }
    if (message.kind !== "loaded" && message.kind !== "clock-read") this.#say(message);
  }

  #broken(thrown: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#say({ kind: "broken", message: shown(thrown) });
  }
}

/** The load of `process/messages.ts` and what comes next, with what `_tab/process.py` needs
 *  besides. */
function loadOf(order: TaskOrder, codePath: string, segments: object[], share: number): object {
  const { attempts, filesMaxBytes, kind, plan } = order;
  const { hash, job } = order.python as PythonCode;
  const [of = { task: 0, attempt: 1 }] = attempts;
  const split = plan.splits[of.task];
  // Of a large plan most places are empty.
  const files = plan.files.flatMap((file, i) => (file === undefined ? [] : [[i, file]]));
  const short = { ...plan, splits: [], files: [] };
  const next =
    kind === "tasks"
      ? { kind, items: attempts }
      : { kind, ...of, out, ...(kind === "map" ? { part: { split, files } } : { segments }) };
  return {
    kind: "load",
    job,
    codePath,
    codeHash: hash,
    plan: { text: JSON.stringify(short) },
    items:
      kind === "tasks" ? attempts.map(({ task }, i) => [task, order.items[i] as string]) : null,
    scratch: "/task",
    around: order.around,
    filesMaxBytes,
    portionS: portionMs(share) / 1000,
    next,
  };
}

/** What `_tab/source.py` reads. */
function sourceOf(order: TaskOrder, pace: Pace): object {
  const source = countedSource(order, () => pace.breathe());
  const part = new Uint8Array(pace.isFull ? partBytes : pacedPartBytes);
  return {
    nextPiece: () => source.nextPiece(),
    read: () => part.subarray(0, source.read(part, 0)),
    inputBytes: () => source.inputBytes(),
  };
}

function handOver(FS: Pyodide["FS"], say: Say): void {
  const files: { [name in (typeof fileNames)[number]]?: Uint8Array[] } = {};
  for (const name of fileNames) {
    const path = `${out}.${name}`;
    if (!FS.analyzePath(path).exists) continue;
    files[name] = [FS.readFile(path)];
    FS.unlink(path);
  }
  const buffers = Object.values(files).flat();
  say(
    { kind: "files", files: files satisfies TaskFiles },
    buffers.map(({ buffer }) => buffer as ArrayBuffer),
  );
}
