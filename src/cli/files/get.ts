/** `tequio get NAME|LINK|ROOT`: fetches what members share, verified, resumable. */
import { createReadStream, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ClusterError } from "../../core/error.ts";
import { type RefuseClear, refuseBeyondHere } from "../../link/tcp/clear.ts";
import { refuserFor } from "../../peer/addresses.ts";
import type { DialRules } from "../../peer/fetch/connection.ts";
import { type Fetched, Fetcher, type Progress } from "../../peer/fetch/fetcher.ts";
import type { Found } from "../../peer/found.ts";
import { wayTo, writeInto } from "../../sdk/named-file.ts";
import { safeLastPart } from "../../wire/p4/names.ts";
import { linkScheme } from "../../wire/p4/share-link.ts";
import { Interrupted } from "../faults.ts";
import { bytesText, durationText, plural, rateText } from "../numbers.ts";
import { saysWhere } from "../result/readers.ts";
import { openScreen, type Screen } from "../screen.ts";
import { oneLine } from "../text.ts";
import { Speedometer, transferLine } from "../transfer-line.ts";
import { fetchCurrent } from "./get/changed.ts";
import type { FetchContext, FetchTarget, GetOptions } from "./get/fetch-context.ts";
import { getFolder } from "./get/folder.ts";
import { linkedFiles } from "./get/linked.ts";
import { namedFiles } from "./get/named.ts";
import { openCatalogue, stateDirOf } from "./master.ts";
import { type Serving, serveMeanwhile } from "./serving.ts";

export async function getShared(what: string, options: GetOptions): Promise<void> {
  saysWhere(options);
  const control = new AbortController();
  const interrupt = () => control.abort(new Interrupted());
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupt);
  const screen = openScreen();
  const closing: Array<() => Promise<void>> = [];
  try {
    const { signal } = control;
    const context = await contextOf(what, options, { screen, signal, closing });
    if (context.wanted.kind === "folder") await getFolder(context, context.wanted);
    else await getFile(context, context.wanted);
  } catch (error) {
    if (control.signal.aborted) {
      screen.end();
      screen.print("interrupted; what was verified is kept, run the same command to go on");
      throw new Interrupted();
    }
    throw error;
  } finally {
    screen.end();
    for (const close of closing.reverse()) await close();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupt);
  }
}

type Around = {
  readonly screen: Screen;
  readonly signal: AbortSignal;
  readonly closing: Array<() => Promise<void>>;
};

const refuseUnasked: RefuseClear = (ends) => {
  const problem = refuseBeyondHere(ends);
  return problem === null ? null : `${problem}; --insecure fetches in the clear`;
};

async function contextOf(what: string, options: GetOptions, around: Around): Promise<FetchContext> {
  const { closing, screen, signal } = around;
  const limits = options.limit === undefined ? {} : { limits: { rateMaxBytes: options.limit } };
  const lockDir = join(stateDirOf(), "locks");
  const fetcherFor = (refuse: DialRules["refuse"]) => {
    const refuseClear = options.insecure ? () => null : refuseUnasked;
    const fetcher = new Fetcher({ rules: { refuse, refuseClear }, lockDir, signal, ...limits });
    closing.push(() => fetcher.close());
    return fetcher;
  };
  if (what.startsWith(linkScheme)) {
    // The user who types a link vouches for its addresses.
    const fetcher = fetcherFor(refuserFor("machine"));
    const wanted = await linkedFiles(what, fetcher);
    return { wanted, fetcher, options, screen, signal };
  }
  const open = await openCatalogue(options);
  closing.push(() => open.close());
  const fetcher = fetcherFor((ip) => refuserFor(open.calls.reach)(ip));
  const wanted = await namedFiles(what, open.catalogue);
  return { wanted, fetcher, options, screen, signal };
}

/** The target of one file: what the user says, else its own last name, which must be harmless. */
export function targetOf(name: string, output: string | undefined): string {
  if (output !== undefined && !output.endsWith("/")) {
    const isFolder = statSync(output, { throwIfNoEntry: false })?.isDirectory() ?? false;
    if (!isFolder) return output;
  }
  const safe = safeLastPart(name);
  if ("problem" in safe) {
    throw new ClusterError(
      "bad-request",
      `the name that its owner gave to the file ${safe.problem}; name it yourself with -o`,
    );
  }
  if (output !== undefined) mkdirSync(output, { recursive: true });
  return join(output ?? ".", safe.parts[0]!);
}

type FileTarget = FetchTarget & { kind: "file" };

async function getFile(context: FetchContext, wanted: FileTarget): Promise<void> {
  const { output } = context.options;
  if (output === "-") {
    await whole(context, wanted, "standard output", async (content) => {
      await pipeline(content, process.stdout, { end: false });
    });
    return;
  }
  const target = targetOf(wanted.found.name, output);
  // A file that is there already may be this very one.
  if (wayTo(target, true) === "file") return await toFile(context, wanted, target);
  const startedMs = performance.now();
  const fetched = await whole(context, wanted, target, async (content) => {
    await writeInto(target, content);
  });
  tell(fetched, { target, tookMs: performance.now() - startedMs, options: context.options });
}

async function toFile(context: FetchContext, wanted: FileTarget, target: string): Promise<void> {
  const { fetcher, options, screen } = context;
  mkdirSync(dirname(target), { recursive: true });
  const startedMs = performance.now();
  const onNews = (text: string) => screen.print(oneLine(text));
  const serving = await servingOf(wanted.found, options, onNews);
  try {
    const fetched = await fetchCurrent({ ...wanted, onNews }, (found) =>
      fetcher.fetch(found, {
        target,
        replaces: options.overwrite ?? false,
        more: wanted.again,
        onNews,
        onProgress: progressOn(screen, target),
        ...(serving === null
          ? {}
          : { onOpen: serving.onOpen, beforeClose: () => serving.beforeClose() }),
      }),
    );
    screen.draw([]);
    tell(fetched, { target, tookMs: performance.now() - startedMs, options });
  } finally {
    await serving?.close();
  }
}

/** Only a file with a root can be offered by a peer that does not have all of it yet. */
async function servingOf(
  found: Found,
  options: GetOptions,
  onNews: (text: string) => void,
): Promise<Serving | null> {
  const { serve: listen } = options;
  if (listen === undefined || found.root === null) return null;
  return serveMeanwhile(found.name, { ...options, listen, ttl: 60_000 }, onNews);
}

/** Verified as a whole before the first byte leaves. */
async function whole(
  context: FetchContext,
  wanted: FileTarget,
  place: string,
  write: (content: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<Fetched> {
  const dir = mkdtempSync(join(tmpdir(), "tequio-get-"));
  try {
    const target = join(dir, "content");
    const onProgress = progressOn(context.screen, place);
    const onNews = (text: string) => context.screen.print(oneLine(text));
    const fetched = await fetchCurrent({ ...wanted, onNews }, (found) =>
      context.fetcher.fetch(found, { target, replaces: false, onProgress }),
    );
    context.screen.draw([]);
    await write(createReadStream(target));
    return fetched;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export function progressOn(screen: Screen, label: string): (progress: Progress) => void {
  const speed = new Speedometer();
  return ({ doneBytes, sizeBytes, sourceCount }) => {
    speed.add(performance.now(), doneBytes);
    const note = sourceCount > 1 ? plural(sourceCount, "source") : "";
    const transfer = { label, doneBytes, sizeBytes, note };
    screen.draw([transferLine(transfer, speed.bytesPerS, screen.width())]);
  };
}

function tell(
  fetched: Fetched,
  of: { readonly target: string; readonly tookMs: number; readonly options: GetOptions },
): void {
  const { options, target, tookMs } = of;
  if (options.json) {
    console.log(JSON.stringify({ path: target, ...fetched, tookMs: Math.round(tookMs) }));
    return;
  }
  if (fetched.wasThere) {
    console.log(`${oneLine(target)} is complete already; there is nothing to fetch`);
    return;
  }
  const rate = rateText(fetched.receivedBytes / Math.max(0.001, tookMs / 1000));
  const resumed = fetched.resumedBytes === 0 ? "" : `, ${bytesText(fetched.resumedBytes)} before`;
  const from = fetched.sources.filter(({ receivedBytes }) => receivedBytes > 0).length;
  const sources = from > 1 ? `, from ${plural(from, "source")}` : "";
  const took = `in ${durationText(tookMs)}, ${rate}${resumed}${sources}`;
  console.log(
    `${oneLine(target)}: ${bytesText(fetched.sizeBytes)} ${took}; ${trust[fetched.verified]}`,
  );
}

const trust = {
  root: "verified",
  owner: "verified against what its owner says",
  no: "not verified: its owner names no root",
} as const;
