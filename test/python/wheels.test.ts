/** Packages that travel with a job in Python: wheels of a folder. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { before, test } from "node:test";
import { promisify } from "node:util";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { equalsJudge } from "../judge/compare.ts";
import { clusterForTests, noPython } from "./cluster.ts";

const skip = noPython;
const cluster = clusterForTests();
const library = join(import.meta.dirname, "../../python");
let wheels = "";

/** Name and version, what it needs, and its files. */
const packages = [
  ["greeting-1.0", [], { "greeting.py": "WORD = 'old'\n" }],
  [
    "greeting-1.2",
    ["Shapes>=2 ; python_version >= '3'", "absent ; extra == 'more'"],
    {
      "greeting/__init__.py": "from shapes import side\nWORD = 'hello'\n",
      "greeting/table.py": "from . import WORD\nLENGTH = len(WORD)\n",
      "greeting/names.txt": "Ana\n",
    },
  ],
  ["greeting-2.0rc1", [], { "greeting.py": "WORD = 'new'\n" }],
  ["shapes-2.1", [], { "shapes.py": "side = 4\n" }],
  ["fast-1.0", [], { "fast/core.abi3.so": "" }],
] as const;

before(() => {
  wheels = join(dirname(cluster.file("x", "")), "wheels");
  mkdirSync(wheels);
  const code = `import json, sys, zipfile
for named, needs, files in json.load(sys.stdin):
    with zipfile.ZipFile(f"{sys.argv[1]}/{named}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        lines = ["Metadata-Version: 2.1", *(f"Requires-Dist: {need}" for need in needs), ""]
        wheel.writestr(f"{named}.dist-info/METADATA", "\\n".join(lines))`;
  const input = JSON.stringify(packages);
  const run = spawnSync("python3", ["-c", code, wheels], { input, encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
});

const job = (requires: string) => `from tequio import map_reduce
import importlib.resources
import greeting
from greeting.table import LENGTH
def each(line, emit):
    names = importlib.resources.files(greeting).joinpath("names.txt").read_text()
    emit(line, [greeting.WORD, LENGTH, greeting.side, names])
job = map_reduce(map=each, requires=[${requires}])
`;

test("wheels travel with what they need, and the newest that fits", { skip }, async () => {
  const input = cluster.file("in.txt", "a\n");
  const file = cluster.file("greet.py", job('"greeting>=1,<2"'));
  const built = await bundleJob(file, { wheels });
  assert.deepEqual(built.job.foreign?.program, {});
  const { files } = await equalsJudge(cluster.client, built, { inputs: [input] });
  assert.match([...files.values()].join(""), /\["hello",5,4,"Ana\\n"\]/);
});

test("what no wheel is must be where the workers' Python is", { skip }, async () => {
  const file = cluster.file("greet.py", job('"greeting==1.2", "numpy>=99"'));
  const built = await bundleJob(file, { wheels });
  assert.deepEqual(built.job.foreign?.program.requires, ["numpy>=99"]);
});

test("a wheel with compiled code is refused by its name", { skip }, async () => {
  const code = 'from tequio import tasks\njob = tasks(items=[1], run=abs, requires=["fast"])\n';
  const file = cluster.file("fast.py", code);
  const remedy = /fast-1\.0\S*\.whl has compiled code .*remove it from \S+wheels and install fast/;
  await assert.rejects(bundleJob(file, { wheels }), remedy);
  await assert.rejects(
    bundleJob(file, { wheels: `${wheels}/none` }),
    /there is no folder .*none of wheels/,
  );
});

test("functions of a program bring wheels, too", { skip }, async () => {
  const code = `import sys
sys.path[:0] = sys.argv[1:4]
import greeting
from tequio import Cluster
def greet(name):
    return f"{greeting.WORD} {name}"
with Cluster.connect(wheels=sys.argv[4]) as cluster:
    print(list(cluster.map(greet, ["Ana"], requires=["greeting<2"])))`;
  const { url, token } = cluster.target;
  const env = { ...process.env, TEQUIO_URL: url, TEQUIO_TOKEN: token };
  const wheel = join(wheels, "greeting-1.2-py3-none-any.whl");
  const program = cluster.file("greet.py", code);
  const shapes = join(wheels, "shapes-2.1-py3-none-any.whl");
  const args = ["-B", program, library, wheel, shapes, wheels];
  const { stdout } = await promisify(execFile)("python3", args, { env });
  assert.equal(stdout, "['hello Ana']\n");
});
