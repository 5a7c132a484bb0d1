/** The end of a tab's input when it requests `?digest=1`: the SHA-256 of all bytes before. */

export const digestBytes = 32;
/** Content type of an answer with a digest; older coordinators answer with another type, without
 *  one. */
export const digestedType = "application/x-digested";
