/** Power loss at every moment of a real process: its system calls are traced, replayed on a disk
 *  that keeps only what was synced, and the stores are opened on what is left. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { Random } from "../../src/core/random.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { checkStore } from "../failpoints/store-check.ts";
import { depth } from "../fixtures/depth.ts";
import { Disk, type Image, losses } from "./disk.ts";
import { type Deed, traceNode, traceProblem } from "./trace.ts";

const imagesMin = depth(2_000, 400);
/** Of the careless log: enough to see that it loses something. */
const carelessImagesMin = depth(500, 200);
const seed = Number(process.env.POWER_LOSS_SEED ?? 1);
/** In memory where that is possible: a thousand stores are opened, and all that is synced. */
const memory = "/dev/shm";
const place = existsSync(memory) ? memory : tmpdir();

/** Traces `test/failpoints/store.ts`, which does all that stores can do. */
function traced(before: readonly string[]): Deed[] {
  const dir = newFolder("tequio-power-");
  try {
    const script = join(import.meta.dirname, "..", "failpoints", "store.ts");
    return traceNode([...before, script, dir, "long"], dir);
  } finally {
    removeFolder(dir);
  }
}

function put(image: Image, dir: string): void {
  removeFolder(dir);
  mkdirSync(dir);
  const paths = [...image.keys()].filter((path) => path !== ".").sort();
  for (const path of paths) {
    const bytes = image.get(path);
    if (bytes === null || bytes === undefined) mkdirSync(join(dir, path), { mode: 0o700 });
    else writeFileSync(join(dir, path), bytes, { mode: 0o600 });
  }
}

/** Loses the power after each operation, several times; returns the number of images, and their
 *  problems. */
async function loseOften(
  deeds: readonly Deed[],
  imagesMin: number,
): Promise<{ images: number; wrong: string[] }> {
  const random = new Random(seed);
  const dir = join(newFolder("tequio-power-", place), "disk");
  const disk = new Disk();
  const said: string[] = [];
  const wrong: string[] = [];
  let images = 0;
  let loss = 0;
  try {
    for (const [number, deed] of deeds.entries()) {
      disk.play(deed);
      if (deed.kind === "said") said.push(...deed.text.split("\n"));
      for (; images * deeds.length < imagesMin * (number + 1); images += 1, loss += 1) {
        const kind = losses[loss % losses.length] as (typeof losses)[number];
        put(disk.image(kind, random), dir);
        await checkStore(dir, said).catch((error: Error) => {
          wrong.push(`after deed ${number}, ${JSON.stringify(kind)}: ${error.message}`);
        });
      }
    }
    return { images, wrong };
  } finally {
    rmSync(join(dir, ".."), { recursive: true, force: true });
  }
}

const skip = traceProblem() ?? false;

test("C3: a power loss loses nothing that was acknowledged, whatever was synced", {
  skip,
}, async (t) => {
  const deeds = traced([]);
  const { images, wrong } = await loseOften(deeds, imagesMin);
  assert.ok(images >= imagesMin);
  assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${images} images, seed ${seed}`);
  t.diagnostic(`${images} images after ${deeds.length} system calls, seed ${seed}`);
});

test("the same harness sees what synchronous=NORMAL loses", { skip }, async (t) => {
  const careless = pathToFileURL(join(import.meta.dirname, "careless.ts")).href;
  const { images, wrong } = await loseOften(traced([`--import=${careless}`]), carelessImagesMin);
  const lost = wrong.filter((text) => /were acknowledged|is gone/.test(text));
  assert.ok(lost.length > images / 20, `only ${lost.length} of ${images} images lost something`);
  t.diagnostic(`${lost.length} of ${images} images lost something acknowledged`);
});
