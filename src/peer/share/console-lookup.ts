/** What is shared, for GET_FILE of the console: by name, as a stream. */
import type { FileLookup } from "../console-files.ts";
import type { ContentIndex } from "../serve/content.ts";

const chunkBytes = 1024 * 1024;

export function lookupOn(shelf: ContentIndex): FileLookup {
  return async (name) => {
    const content = shelf.named(name);
    // Only a complete file can be sent as one stream.
    const runs = content?.have() ?? [];
    if (content === null || runs.length > 1) return null;
    async function* bytes() {
      for (let at = 0; at < content!.sizeBytes; at += chunkBytes) {
        const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, content!.sizeBytes - at));
        await content!.read(at, chunk);
        yield chunk;
      }
    }
    return { sizeBytes: content.sizeBytes, content: bytes(), close: async () => {} };
  };
}
