/** Text as UTF-8. Every runtime has these two, but the language's own library does not declare
 *  them. */

type Decoding = { readonly fatal: boolean; readonly ignoreBOM: boolean };

export const { TextDecoder, TextEncoder } = globalThis as unknown as {
  readonly TextDecoder: new (
    label?: string,
    options?: Decoding,
  ) => { decode(bytes: Uint8Array): string };
  readonly TextEncoder: new () => { encode(text: string): Uint8Array };
};
