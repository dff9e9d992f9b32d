/**
 * What the memory bench asks of its client, and what it answers.
 */

/** What a stream is asked with: an engine's answer, a new task of an agent, or one that is there. */
export type Asking =
  | { readonly _tag: "Engine" }
  | { readonly _tag: "NewTask" }
  | { readonly _tag: "Subscribe"; readonly taskId: string }

export interface Calls {
  /** Begins a task and reads its stream, and all else of it; gives its id. */
  readonly startTask: { readonly input: { readonly url: string }; readonly output: string }
  /** Opens streams and reads them; answers when each has got a token. */
  readonly open: {
    readonly input: { readonly url: string; readonly asking: Asking; readonly streams: number }
    readonly output: null
  }
  /** Opens streams and never reads a byte of them; answers when all requests are sent. */
  readonly openPaused: {
    readonly input: { readonly url: string; readonly asking: Asking; readonly streams: number }
    readonly output: null
  }
  /** Closes all connections, without a word. */
  readonly leave: { readonly input: null; readonly output: null }
}
