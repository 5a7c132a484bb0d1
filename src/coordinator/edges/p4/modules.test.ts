/** Modules of running jobs on the port of the control channel, at a coordinator that may have been
 *  replaced. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Method } from "../../../link/grpc/server.ts";
import { openMemoryBlobs } from "../../../store/blob/memory.ts";
import * as data from "../../../wire/p4/data.ts";
import { moduleMethods } from "./modules.ts";

type Parts = Parameters<Method["handle"]>;

test("X11: a coordinator that was replaced serves no module", async () => {
  const blobs = openMemoryBlobs();
  const { hash } = await blobs.put([Buffer.from("module")]);
  let leads = true;
  const owner = { ownsLog: async () => leads };
  const methods = moduleMethods({ blobs, owner, programs: { moduleAt: () => hash } });
  const ask = async () => {
    const sent: unknown[] = [];
    const send = async (parts: unknown) => void sent.push(parts);
    const [call, sink] = [{}, { send }] as unknown as [Parts[1], Parts[2]];
    const request = data.encode(data.fileRequest, { filePath: "programs/j-1/ab" }, 1_024);
    await methods[data.paths.getFile]!.handle(request, call, sink);
    return sent.length;
  };
  assert.equal(await ask(), 1);
  leads = false;
  await assert.rejects(ask(), { code: "unavailable", message: /checking whether/ });
});
