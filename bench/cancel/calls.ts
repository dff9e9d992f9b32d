/**
 * What the cancel bench asks of its client, and what it answers. Times are by the clock of the machine, in milliseconds.
 */

/** Readers of one task that each dropped out but the last, and what they have seen. */
export interface Resumption {
  readonly readers: number
  /** Whether the last reader was told that the task is completed. */
  readonly completed: boolean
  /** Tokens that a reader had not got though it had got later ones, over all readers. */
  readonly lost: number
  /** Tokens that a reader had got before, over all readers. */
  readonly doubled: number
  /** Tokens the last reader had at its end, and the SHA-256 of their text. */
  readonly tokens: number
  readonly hash: string
  readonly wallMillis: number
}

export interface Calls {
  /** Begins a task and reads its stream; answers with its id when a token has come. */
  readonly begin: { readonly input: { readonly url: string }; readonly output: string }
  /** Sends CancelTask; gives when it was sent and when the answer was there. */
  readonly cancel: {
    readonly input: { readonly url: string; readonly taskId: string }
    readonly output: { readonly sentAt: number; readonly answeredAt: number }
  }
  /** Closes all connections, without a word; gives when. */
  readonly leave: { readonly input: null; readonly output: number }
  /** Reads one answer, leaving and coming back so many times, each time after as many more tokens. */
  readonly resume: {
    readonly input: { readonly url: string; readonly drops: number; readonly tokens: number }
    readonly output: Resumption
  }
}
