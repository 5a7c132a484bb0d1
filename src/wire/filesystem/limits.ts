/** Limits of the filesystem protocol. They apply to what is sent, too. */

/** A request on a main port. */
export const requestBytesMax = 1024 * 1024;
/** One frame on the port of a call: content, or a message with pairs or rows. */
export const frameBytesMax = 64 * 1024 * 1024;
/** A line that GETDATA sends; a longer one is sent in several frames, which readers join. */
export const lineBytesMax = 8 * 1024 * 1024;
/** UTF-8 bytes of a file's or job's name. */
export const nameBytesMax = 1_024;
/** Names in PUTJOB's `files`. */
export const filesMax = 10_000;
/** Nesting of containers, in JSON and in pickles. */
export const depthMax = 100;
/** Values in one pickle or JSON text. */
export const valuesMax = 5_000_000;
/** A pickle that APPENDBLOCK reads or writes. */
export const pickleBytesMax = 64 * 1024 * 1024;
/** The answer to a discovery request. */
export const discoveryBytesMax = 1_024;
/** A request to a worker: TASK names all files of its block. */
export const taskBytesMax = 16 * 1024 * 1024;
/** Names in TASK's `block_urls`. */
export const blockFilesMax = 100_000;
