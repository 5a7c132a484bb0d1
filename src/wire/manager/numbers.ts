/** The field numbers of `manager.proto`, made of it by `scripts/build-proto.ts`. */
export const workerMsgWrapper = {
  nodeTypeRequest: 1,
  nodeTypeAnswer: 2,
  notMine: 3,
  ack: 4,
  managerRequest: 5,
  managerAnswer: 6,
  managerBye: 7,
  managerPing: 8,
  managerPong: 9,
  tasksExecute: 10,
  tasksPing: 11,
  tasksPong: 12,
  tasksAbord: 13,
  taskStatus: 14,
  taskStatuses: 110,
  jobOpen: 111,
  stageSources: 112,
  jobClose: 113,
  workerNotes: 114,
  tasksReturn: 115,
  taskList: 116,
  taskResults: 117,
  requestId: 100,
  answerTo: 101,
} as const;

export const nodeType = {
  MANAGER: 0,
  WORKER: 1,
} as const;

export const programKind = {
  WASM0m1n0: 0,
  JAVASCRIPT: 100,
  PYTHON: 101,
} as const;

export const taskErrorKind = {
  TIMED_OUT: 0,
  DOWNLOAD: 1,
  RUNTIME: 2,
  ABORTED: 3,
  UNKNOWN: 4,
} as const;

export const nodeTypeRequest = {
  nodeType: 1,
} as const;

export const nodeTypeAnswer = {
  nodeType: 1,
} as const;

export const managerRequest = {
  workerPrice: 1,
  networkPrice: 2,
  cpuCount: 3,
  memory: 4,
  networkSpeed: 5,
  supportedProgramKinds: 6,
  node: 100,
} as const;

export const nodeDescription = {
  workerId: 1,
  credential: 2,
  name: 3,
  host: 4,
  slots: 5,
  exchangeUrl: 6,
  version: 7,
  holding: 8,
  serving: 9,
  session: 10,
  returnsTasks: 11,
  python: 12,
  fill: 13,
  readsLists: 14,
} as const;

export const managerAnswer = {
  accepted: 1,
  welcome: 100,
} as const;

export const welcome = {
  workerId: 1,
  credential: 2,
  epoch: 3,
  leaseMs: 4,
  heartbeatMs: 5,
  refusal: 6,
  version: 7,
  fill: 8,
  readsLists: 9,
} as const;

export const tasksExecute = {
  tasks: 1,
} as const;

export const taskExecute = {
  taskId: 1,
  programAddresses: 2,
  programHash: 3,
  programKind: 4,
  argument: 5,
  timeout: 6,
  maxNetworkUsage: 7,
  timeoutMs: 100,
} as const;

export const tasksPing = {
  taskIds: 1,
} as const;

export const tasksPong = {
  statuses: 1,
} as const;

export const tasksAbord = {
  taskIds: 1,
} as const;

export const taskStatus = {
  taskId: 1,
  pending: 3,
  startTime: 4,
  error: 5,
  result: 6,
  unknown: 7,
  report: 100,
} as const;

export const taskStatuses = {
  statuses: 1,
} as const;

export const jobOpen = {
  job: 1,
} as const;

export const stageSources = {
  sources: 1,
} as const;

export const jobClose = {
  jobNumber: 1,
} as const;

export const workerNotes = {
  notes: 1,
} as const;

export const tasksReturn = {
  taskIds: 1,
} as const;

export const taskList = {
  list: 1,
} as const;

export const taskResults = {
  results: 1,
} as const;
