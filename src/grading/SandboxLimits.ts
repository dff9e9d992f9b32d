/**
 * What an answer may use up while it is graded. One set for all languages, so that a task is graded by the same measure
 * wherever it is graded.
 *
 * Gotcha: a call in JavaScript has this long by the clock, one in Python that much processor time; the whole run has its
 * limit by the clock in both.
 */
export interface SandboxLimits {
  /** Loading the code, and each call. */
  readonly callMillis: number
  /** The whole process, its start included. */
  readonly wallMillis: number
  /** JavaScript heap, in MiB. */
  readonly heapMegabytes: number
  /** All data of the process, in MiB, array buffers included; see `NodeChildProcess.ts` for why it is so large. */
  readonly memoryMegabytes: number
  /** All results together, as JSON. */
  readonly outputBytes: number
}

export const defaultLimits: SandboxLimits = {
  callMillis: 2_000,
  wallMillis: 10_000,
  heapMegabytes: 64,
  memoryMegabytes: 2_048,
  outputBytes: 1_000_000
}
