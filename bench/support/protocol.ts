/**
 * How a bench talks to its child processes: plain data over Node's IPC channel.
 *
 * A call has a number, and its reply carries the same one. Which calls there are is each bench's own; each kind of child
 * knows some of them. What a process has used is asked over a socket beside the channel; see `usageThread.ts`.
 */

/** The file descriptor of the child's socket for `Usage`, after the standard three and the IPC channel. */
export const USAGE_DESCRIPTOR = 4

/** What a process has used since it started. */
export interface Usage {
  /** User and system time of all its threads. */
  readonly cpuMicros: number
  /** Memory that is resident now. */
  readonly rssBytes: number
  readonly peakRssBytes: number
}

/** The calls of a bench: input and output by name. */
export type AnyCalls<Calls> = {
  readonly [Name in keyof Calls]: { readonly input: unknown; readonly output: unknown }
}

export interface Call<Calls extends AnyCalls<Calls>, Name extends keyof Calls = keyof Calls> {
  readonly number: number
  readonly name: Name
  readonly input: Calls[Name]["input"]
}

export type Reply<Calls extends AnyCalls<Calls>> =
  | { readonly number: number; readonly output: Calls[keyof Calls]["output"] }
  | { readonly number: number; readonly error: string }
