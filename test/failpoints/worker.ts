/** A worker in a process of its own: `node worker.ts <directory> <url> <token> <name>`. Prints
 *  `joined` each time that it joins and `left <reason>` at its end; leaves at SIGTERM. */
import { startWorker } from "../../src/worker/node.ts";

const [dataDir = "", url = "", token = "", name = ""] = process.argv.slice(2);
const worker = await startWorker({
  url,
  token,
  dataDir,
  slots: 1,
  memoryBytes: 128 << 20,
  name,
  sandbox: "basic",
  python: null,
  listen: "127.0.0.1:0",
  onNews: ({ kind, text }) => {
    if (kind === "joined") console.log("joined");
    console.error(text);
  },
});
process.once("SIGTERM", () => void worker.stop(500));
const failure = await worker.ended;
console.log(`left ${failure === null ? "as asked" : `${failure.code}: ${failure.message}`}`);
