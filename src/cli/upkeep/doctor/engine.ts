/** Of the engines that keep the log and the blobs of a data directory: whether they answer, with
 *  safe settings. */
import { existsSync } from "node:fs";
import { readPlaces } from "../../../coordinator/leading/places.ts";
import { openSource } from "../../../coordinator/upkeep/source.ts";
import { ClusterError } from "../../../core/error.ts";
import { isS3 } from "../../../engine/open-blobs.ts";
import { quoted } from "../../paste.ts";
import { type Finding, good } from "./finding.ts";

export async function engineFindings(dir: string): Promise<Finding[]> {
  if (!existsSync(dir)) return [];
  const fix = `correct it, then read everything with: tequio check ${quoted(dir)}`;
  try {
    const { blobs, log } = readPlaces(dir);
    if (log === undefined && !isS3(blobs)) return [];
    const source = await openSource(dir);
    const findings: Finding[] = [];
    if (source.engine !== null) {
      const last = await source.last().finally(source.close);
      findings.push(good("log", `${source.engine.name} answers, safe settings, ${last} records`));
    } else await source.close();
    if (isS3(blobs)) findings.push(good("blobs", "S3 keeps, lists and gives back what it is sent"));
    return findings;
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    return [{ severity: "serious", topic: "engine", what: error.text, fix }];
  }
}
