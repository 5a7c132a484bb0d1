/** The field numbers of `p4.proto`, made of it by `scripts/build-proto.ts`. */
export const fileRequest = {
  filePath: 1,
} as const;

export const fileBytes = {
  fileBytes: 1,
} as const;

export const openRequest = {
  fileName: 1,
  root: 2,
  session: 3,
  host: 4,
} as const;

export const pieceRun = {
  first: 1,
  count: 2,
} as const;

export const openAnswer = {
  session: 1,
  fileName: 2,
  root: 3,
  sizeBytes: 4,
  pieceBytes: 5,
  layer: 6,
  have: 7,
  expiresS: 8,
  path: 9,
  modifiedUs: 10,
  isExecutable: 11,
} as const;

export const layerRequest = {
  session: 1,
  firstPiece: 2,
} as const;

export const layerAnswer = {
  hashes: 1,
} as const;

export const readRequest = {
  session: 1,
  runs: 2,
} as const;

export const readAnswer = {
  piece: 1,
  content: 2,
} as const;

export const readManyRequest = {
  files: 1,
} as const;

export const wantedFile = {
  fileName: 1,
  root: 2,
  credential: 3,
} as const;

export const readManyAnswer = {
  files: 1,
} as const;

export const wholeFile = {
  index: 1,
  content: 2,
  modifiedUs: 3,
  isExecutable: 4,
  problem: 5,
} as const;

export const challengeAnswer = {
  challenge: 1,
} as const;

export const openStageRequest = {
  job: 1,
  stage: 2,
  requester: 3,
  expiresMs: 4,
  challenge: 5,
  proof: 6,
} as const;

export const openStageAnswer = {
  session: 1,
} as const;

export const readPartRequest = {
  session: 1,
  task: 2,
  attempt: 3,
  part: 4,
} as const;

export const partAnswer = {
  content: 1,
} as const;
