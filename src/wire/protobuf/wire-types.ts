/** Wire types: how a field's value is encoded, the low three bits of its key. */
export const wireTypes = {
  varint: 0,
  fixed64: 1,
  bytes: 2,
  startGroup: 3,
  endGroup: 4,
  fixed32: 5,
} as const;
