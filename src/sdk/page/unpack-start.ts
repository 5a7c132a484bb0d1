/** The beginning of a compressed file, decompressed by the browser. */

/** Without ending the stream: a file goes on behind its beginning, and a stream that ends too soon
 *  forgets what it has. */
export async function unpackStart(
  packed: Uint8Array,
  compression: "gzip" | "zstd",
): Promise<Uint8Array> {
  if (compression !== "gzip") throw new Error(`no browser decompresses ${compression}`);
  const { readable, writable } = new DecompressionStream("gzip");
  const chunks: Uint8Array[] = [];
  const reader = readable.getReader();
  const writing = writable.getWriter().write(packed.slice());
  let isWritten = false;
  const written = writing.then(() => {
    isWritten = true;
  });
  for (;;) {
    const piece = reader.read();
    // What is queued comes before the next turn.
    const none = written.then(() => new Promise<null>((resolve) => setTimeout(resolve, 0, null)));
    const next = await Promise.race([piece, none]);
    if (next?.value !== undefined) chunks.push(next.value);
    else if (isWritten) return Buffer.concat(chunks);
  }
}
