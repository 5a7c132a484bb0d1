/** Formats that are not read as text: how to recognise them, and what to do about them. */

export type Format = {
  readonly name: string;
  /** What to do before it can be read. */
  readonly remedy: string;
  /** Bytes in hex, `..` = any, from offset `at` on. */
  readonly magic: string;
  readonly at?: number;
  /** The magic is text itself, so some of the other bytes must not be text. */
  readonly isBinary?: true;
};

const again = "and compress it with gzip or zstd, if at all";
export const unpack = (command: string): string => `decompress it first (${command}), ${again}`;
const extract = (command: string): string => `extract its files first (${command})`;
const convert = "convert it to CSV or NDJSON first";
const table = "read it by bytes.parquet([…]) or bytes.arrow([…]), or ask it by `tequio sql`";

export const formats: readonly Format[] = [
  { name: "bzip2", magic: "425a68..314159265359", remedy: unpack("bunzip2") },
  { name: "bzip2", magic: "425a68..177245385090", remedy: unpack("bunzip2") },
  { name: "xz", magic: "fd377a585a00", remedy: unpack("unxz") },
  { name: "lz4", magic: "04224d18", remedy: unpack("unlz4") },
  { name: "lzip", magic: "4c5a4950", isBinary: true, remedy: unpack("lzip -d") },
  { name: "lzop", magic: "894c5a4f000d0a1a0a", remedy: unpack("lzop -d") },
  { name: "compress (.Z)", magic: "1f9d", remedy: unpack("uncompress") },
  { name: "snappy", magic: "ff060000734e61507059", remedy: `decompress it first, ${again}` },
  { name: "a zip archive", magic: "504b0304", remedy: extract("unzip") },
  { name: "a zip archive", magic: "504b0506", remedy: extract("unzip") },
  { name: "a 7z archive", magic: "377abcaf271c", remedy: extract("7z x") },
  { name: "a rar archive", magic: "526172211a07", remedy: extract("unrar x") },
  {
    name: "a tar archive",
    magic: "7573746172",
    at: 257,
    isBinary: true,
    remedy: extract("tar -xf"),
  },
  { name: "Parquet", magic: "5041523115", remedy: table },
  { name: "Parquet", magic: "50415245", isBinary: true, remedy: convert },
  { name: "ORC", magic: "4f5243", isBinary: true, remedy: convert },
  { name: "Avro", magic: "4f626a01", remedy: convert },
  { name: "Arrow", magic: "4152524f57310000", remedy: table },
  { name: "HDF5", magic: "894844460d0a1a0a", remedy: convert },
  { name: "an SQLite database", magic: "53514c69746520666f726d6174203300", remedy: convert },
  { name: "an old Office document", magic: "d0cf11e0a1b11ae1", remedy: convert },
  { name: "PDF", magic: "255044462d", isBinary: true, remedy: "extract its text first" },
];

/** Endings of names whose format is not read, whatever the bytes are: some of these formats have no
 *  magic, and a file that is damaged at its start must not be read as text. */
export const endings: ReadonlyArray<readonly [ending: RegExp, name: string, remedy: string]> = [
  [/\.(bz2|tbz2?)$/i, "bzip2", unpack("bunzip2")],
  [/\.(xz|txz|lzma)$/i, "xz", unpack("unxz")],
  [/\.lz4$/i, "lz4", unpack("unlz4")],
  [/\.br$/i, "brotli", unpack("brotli -d")],
  [/\.Z$/, "compress (.Z)", unpack("uncompress")],
  [/\.zip$/i, "a zip archive", extract("unzip")],
  [/\.7z$/i, "a 7z archive", extract("7z x")],
];
