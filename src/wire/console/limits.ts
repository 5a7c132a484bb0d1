/** How much the console protocol may hold. Both directions keep them: we send what we take. */

/** UTF-8 bytes of one string with its NUL. */
export const stringBytesMax = 256;
/** Names in one list. */
export const listLengthMax = 1_000_000;
/** A list with all of its names. */
export const listBytesMax = 64 * 1024 * 1024;
/** An ONC-RPC answer; those that we know have at most 32 bytes. */
export const rpcAnswerBytesMax = 4_096;
/** An answer of a date-time service. */
export const soapAnswerBytesMax = 64 * 1024;
