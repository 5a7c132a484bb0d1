/** The errors of a Python file that is not a job, before anything is submitted; and that the same
 *  files make the same code. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { Started } from "../fixtures/started.ts";
import { noPython } from "./cluster.ts";

const skip = noPython;
const bundleUrl = new URL("../../src/sdk/bundle.ts", import.meta.url).href;

function inFolder<T>(use: (write: (name: string, text: string) => string) => Promise<T>) {
  const folder = newFolder("tequio-py-");
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  return use(write).finally(() => removeFolder(folder));
}

const bad: ReadonlyArray<readonly [name: string, text: string, message: RegExp]> = [
  [
    "syntax.py",
    "x = 1\ndef f(:\n    pass\n",
    /^build-failed: syntax\.py:2:7: SyntaxError: [\s\S]*def f\(:/,
  ],
  [
    "raises.py",
    "def f():\n    raise KeyError('x')\nf()\n",
    /^build-failed: raises\.py:2:1: the job file raised KeyError: 'x'/,
  ],
  [
    "nojob.py",
    "x = 1\n",
    /^build-failed: nojob\.py: there is no job in it: write `job = map_reduce.*mapper\(k, v\)/,
  ],
  ["other.py", "job = 7\n", /^build-failed: other\.py: `job` is no job but int/],
  [
    "option.py",
    "from tequio import map_reduce\njob = map_reduce(map=len, sort='up')\n",
    /option\.py:2:1: the job file raised ValueError: `sort` is 'up'; it must be one of ascending/,
  ],
  [
    "unknown.py",
    "from tequio import map_reduce\njob = map_reduce(map=len, colour=1)\n",
    /unexpected keyword argument 'colour'/,
  ],
  [
    "coroutine.py",
    "from tequio import map_reduce\nasync def m(line, emit): pass\njob = map_reduce(map=m)\n",
    /`map` must not be async/,
  ],
  ["random.py", "job = 1\n", /random\.py cannot name a job file/],
  [
    "missing.py",
    "import no_such_package\n",
    /missing\.py:1:1: the job file raised ModuleNotFoundError: No module named 'no_such_package'/,
  ],
  [
    "param.py",
    "from tequio import tasks\njob = tasks(items=[], run=len, params={'n': 2 ** 60})\n",
    /parameter n has an int beyond 2\^53/,
  ],
  [
    "requires.py",
    "from tequio import tasks\njob = tasks(items=[], run=len, requires=['numpy => 2'])\n",
    /requires: "numpy => 2" is no package with versions; write "numpy>=2"/,
  ],
  [
    "ends.py",
    "import os\nos.kill(os.getpid(), 9)\n",
    /ends\.py could not be loaded: Python was killed by SIGKILL/,
  ],
];

for (const [name, text, message] of bad) {
  test(`a file that is no job is refused with its place: ${name}`, { skip }, () =>
    inFolder((write) => assert.rejects(bundleJob(write(name, text)), { message })),
  );
}

test("a file that is not there is named", { skip }, () =>
  assert.rejects(bundleJob("no/such/job.py"), /bad-request: .*no\/such\/job\.py: there is no such/),
);

test("without python3 the error says what to install", { skip }, async () => {
  const before = process.env.PATH;
  process.env.PATH = "";
  try {
    await inFolder((write) =>
      assert.rejects(bundleJob(write("job.py", "x = 1")), {
        message: /^unavailable: there is no python3 .*install Python 3\.9 or newer/,
      }),
    );
  } finally {
    process.env.PATH = before;
  }
});

test("the same files give the same code, in any folder", { skip }, async () => {
  const hashes: string[] = [];
  for (let n = 0; n < 2; n++) {
    await inFolder(async (write) => {
      write("beside.py", "X = 1\n");
      write("unused.py", "Y = 1\n");
      const job = write(
        "job.py",
        "from tequio import tasks\nimport beside\njob = tasks(items=[], run=len)\n",
      );
      const { hash, zip } = await bundleJob(job);
      hashes.push(hash);
      const names = Buffer.from(zip!).toString("latin1");
      assert.match(names, /beside\.py/);
      assert.doesNotMatch(names, /unused\.py/);
    });
  }
  assert.equal(hashes[0], hashes[1]);
});

test("who may compute a job, and its clock and chance, are submitted", { skip }, async () => {
  const terms = 'share="volunteers", trust="quorum", clock="real", chance="real"';
  const expected = { share: "volunteers", trust: "quorum", clock: "real", chance: "real" };
  const jobs = [`tasks(items=[1], run=abs, ${terms})`, `map_reduce(map=len, ${terms})`];
  await inFolder(async (write) => {
    for (const [index, job] of jobs.entries()) {
      const text = `from tequio import map_reduce, tasks\njob = ${job}\n`;
      const { job: built } = await bundleJob(write(`terms${index}.py`, text));
      const { chance, clock, share, trust } = built.options;
      assert.deepEqual({ share, trust, clock, chance }, expected);
    }
  });
});

test("a child that plans a job ends with the process that asked it", { skip }, async () => {
  await inFolder(async (write) => {
    const job = write("job.py", "print('loading')\nwhile True: pass\n");
    const script = `import { bundleJob } from ${JSON.stringify(bundleUrl)};
await bundleJob(${JSON.stringify(job)});`;
    const asking = Started.node(["--input-type=module", "-e", script]);
    await asking.said("loading");
    const children = readFileSync(`/proc/${asking.pid}/task/${asking.pid}/children`, "utf8");
    const planning = Number(children.trim().split(" ")[0]);
    // It has the other end of its standard output: closed when it is gone.
    await asking.stop("SIGKILL");
    await assert.doesNotReject(ended(planning));
  });
});

/** Resolves when there is no such process; rejects after a while. */
async function ended(pid: number): Promise<void> {
  const signal = AbortSignal.timeout(waitMaxMs);
  while (existsSync(`/proc/${pid}`)) await delay(20, null, { signal });
}
