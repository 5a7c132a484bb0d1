/** Tables where a job is planned: their rows for the judge, and some of them for the sample of a
 *  sort. Apart from the plan itself, which the web page makes, too, without what reads tables. */
import { type TableFile, tableFormat } from "../../tables/file.ts";
import { groupStarts, rowGroups, wishOf } from "../../tables/rows.ts";
import type { InputFile, Piece, Plan } from "../../wire/block/plan.ts";
import type { FormatSpec } from "../format.ts";
import { bytesAt } from "./found.ts";
import { readRemote } from "./inputs/remote.ts";
import type { PlannedFound } from "./of-found.ts";
import type { Upload } from "./upload.ts";

/** Groups of rows of a file that are looked at, and lines of each. */
const sampledGroups = 4;
const sampledLines = 1024;

/** Lines of JSON from all over a file. */
export async function sampleTable(
  file: InputFile,
  format: FormatSpec,
  uploads: readonly Upload[],
): Promise<Uint8Array> {
  const table = tableOf(file, uploads);
  if (table === null) return new Uint8Array();
  const paths = format.format === "json" ? format.paths : null;
  const starts = await groupStarts(table);
  const step = Math.max(1, Math.floor(starts.length / sampledGroups));
  const lines: string[] = [];
  for (let i = 0; i < starts.length; i += step) {
    const start = starts[i] as number;
    for await (const texts of rowGroups(table, { start, end: start + 1 }, { paths, test: null })) {
      const all = [...texts].join("").split("\n").slice(0, -1);
      const every = Math.max(1, Math.floor(all.length / sampledLines));
      for (let line = 0; line < all.length; line += every) lines.push(all[line] as string);
    }
  }
  return Buffer.from(lines.map((line) => `${line}\n`).join(""));
}

/** With what the judge needs, when there are tables or files of addresses. */
export function foldable(planned: PlannedFound): PlannedFound {
  const { files } = planned.plan;
  const isPlain = files.every((file) => tableFormat(file) === null && file.at.kind !== "remote");
  return isPlain ? planned : { ...planned, unfolded: () => unfolded(planned) };
}

/** For the judge: each group of rows as a text, and files of addresses as they are, all of them in
 *  memory; no group is left out. */
async function unfolded(planned: PlannedFound): Promise<PlannedFound> {
  const { plan } = planned;
  const files = [...plan.files];
  const uploads: Upload[] = [...planned.uploads];
  const splits: Plan["splits"][number][] = [];
  for (const split of plan.splits) {
    const pieces: Piece[] = [];
    for (const piece of split.pieces) {
      const [index, start, end] = piece;
      const file = plan.files[index] as InputFile;
      const table = tableFormat(file) === null ? null : tableOf(file, planned.uploads);
      if (table === null) {
        pieces.push(piece);
        if (file.at.kind !== "remote" || files[index] !== file) continue;
        const bytes = await readRemote(file, 0, file.sizeBytes);
        const hash = `file-${index}`;
        files[index] = { ...file, at: { kind: "blob", hash } };
        uploads.push({ hash, sizeBytes: bytes.length, at: { kind: "bytes", bytes } });
        continue;
      }
      const { paths } = wishOf(plan, split.input);
      for await (const texts of rowGroups(table, { start, end }, { paths, test: null })) {
        const bytes = Buffer.from([...texts].join(""));
        const hash = `rows-${files.length}`;
        pieces.push([files.length, 0, bytes.length]);
        const at = { kind: "blob", hash } as const;
        files.push({ name: file.name, compression: "none", sizeBytes: bytes.length, at });
        uploads.push({ hash, sizeBytes: bytes.length, at: { kind: "bytes", bytes } });
      }
    }
    splits.push({ ...split, pieces });
  }
  return { ...planned, plan: { ...plan, files, splits }, uploads };
}

/** Null when its bytes are not at hand. */
function tableOf(file: InputFile, uploads: readonly Upload[]): TableFile | null {
  const { at, name, sizeBytes } = file;
  const format = tableFormat(file);
  const from = at.kind === "blob" ? uploads.find(({ hash }) => hash === at.hash)?.at : at;
  if (format === null || from === undefined) return null;
  if (from.kind === "bytes") {
    return { name, format, sizeBytes, read: async (start, end) => from.bytes.subarray(start, end) };
  }
  if (from.kind === "remote") {
    return { name, format, sizeBytes, read: (start, end) => readRemote(file, start, end) };
  }
  if (from.kind !== "path") return null;
  const { path } = from;
  return {
    ...{ name, format, sizeBytes },
    read: async (start, end) => bytesAt(path, start, end - start),
  };
}
