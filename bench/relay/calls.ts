/**
 * What the relay bench asks of its child processes, and what they answer: plain data over Node's IPC channel.
 *
 * A call has a number, and its reply carries the same one. Each kind of child knows some of the calls. What a process
 * has used is asked over a socket beside the channel; see `usageThread.ts`.
 */

/** The agents that are compared. */
export const agentNames = ["ours", "raw", "sdk"] as const
export type AgentName = typeof agentNames[number]

/** The file descriptor of the child's socket for `Usage`, after the standard three and the IPC channel. */
export const USAGE_DESCRIPTOR = 4

/** The one model that the simulated engine serves. */
export const MODEL = "simulated-model"

export interface AgentSettings {
  /** The address of the OpenAI-compatible API, with its `/v1`. */
  readonly engineUrl: string
  /** Tokens of every answer. */
  readonly maxTokens: number
}

/** What a client has got of an answer. Times are in milliseconds since it sent its message. */
export interface Reception {
  readonly events: number
  readonly characters: number
  /** SHA-256 of the text, in hexadecimal. */
  readonly hash: string
  readonly firstTextMillis: number | null
  readonly lastEventMillis: number
  /** The stream has ended, and its last event said that the task is completed. */
  readonly completed: boolean
}

/** What a process has used since it started. */
export interface Usage {
  /** User and system time of all its threads. */
  readonly cpuMicros: number
  readonly peakRssBytes: number
}

export interface Calls {
  /** Starts the simulated engine with answers of so many tokens, so far apart; gives its address. */
  readonly startEngine: {
    readonly input: { readonly tokens: number; readonly interTokenMillis: number }
    readonly output: string
  }
  /** Starts an agent; gives its address. May be called again: each agent listens on a port of its own. */
  readonly startAgent: { readonly input: AgentSettings; readonly output: string }
  /** Sends a message to the agent at an address and reads its stream to the end. */
  readonly converse: { readonly input: { readonly url: string }; readonly output: Reception }
  /** What there is of the answer that `converse` is reading. */
  readonly received: { readonly input: null; readonly output: Reception }
}

export interface Call<Name extends keyof Calls = keyof Calls> {
  readonly number: number
  readonly name: Name
  readonly input: Calls[Name]["input"]
}

export type Reply =
  | { readonly number: number; readonly output: Calls[keyof Calls]["output"] }
  | { readonly number: number; readonly error: string }
