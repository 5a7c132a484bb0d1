/** Limits of the console protocol. They apply to what is sent as well as to what is accepted. */

/** UTF-8 bytes of one string with its NUL. */
export const stringBytesMax = 256;
/** Names in one list. */
export const listLengthMax = 1_000_000;
/** A list with all of its names. */
export const listBytesMax = 64 * 1024 * 1024;
/** An ONC-RPC answer; known ones have at most 32 bytes. */
export const rpcAnswerBytesMax = 4_096;
/** An answer of a date-time service. */
export const soapAnswerBytesMax = 64 * 1024;
