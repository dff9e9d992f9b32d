/**
 * What the relay bench asks of its child processes, and what they answer; each kind of child knows some of the calls.
 */

/** The agents that are compared. */
export const agentNames = ["ours", "raw", "sdk"] as const
export type AgentName = typeof agentNames[number]

/** The one model that the simulated engine serves. */
export const MODEL = "simulated-model"

export interface AgentSettings {
  /** The address of the OpenAI-compatible API, with its `/v1`. */
  readonly engineUrl: string
  /** Tokens of every answer. */
  readonly maxTokens: number
  /** How long a task of ours goes on after its last reader has gone. Ours only; its default unless given. */
  readonly orphanGraceMillis?: number
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

export interface Calls {
  /** Starts the simulated engine with answers of so many tokens, so far apart; gives its address. */
  readonly startEngine: {
    readonly input: { readonly tokens: number; readonly interTokenMillis: number }
    readonly output: string
  }
  /** Starts an agent; gives its address. May be called again: each agent listens on a port of its own. */
  readonly startAgent: { readonly input: AgentSettings; readonly output: string }
  /** Frees what memory an agent can free. */
  readonly collectGarbage: { readonly input: null; readonly output: null }
  /** Sends a message to the agent at an address and reads its stream to the end. */
  readonly converse: { readonly input: { readonly url: string }; readonly output: Reception }
  /** What there is of the answer that `converse` is reading. */
  readonly received: { readonly input: null; readonly output: Reception }
}
