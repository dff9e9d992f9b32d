/**
 * What the simulator bench asks of its child processes, and what they answer; each kind of child knows some of the calls.
 */

/** The servers that are compared. "joined" exists flat out only. */
export const serverNames = ["ours", "ours+comments", "bare", "joined"] as const
export type ServerName = typeof serverNames[number]

/** The one model that is served. */
export const MODEL = "simulated-model"

/** What every stream of a server looks like; times in milliseconds. */
export interface StreamShape {
  readonly tokens: number
  readonly firstTokenMillis: number
  /** Between two tokens; 0 = as fast as it goes. Gaps vary with a standard deviation of about 0.3 times this. */
  readonly gapMillis: number
}

export interface ServerSettings extends StreamShape {
  readonly server: ServerName
  /** The most streams there will be at once. */
  readonly streams: number
}

/** What a client has got of several streams. Times are in milliseconds. */
export interface Reception {
  /** From the first request to the end of the last stream. */
  readonly wallMillis: number
  readonly tokens: number
  /** HTTP chunks with events in them; a server's write is one chunk. */
  readonly writes: number
  /** From a stream's request to the first byte of its answer, which is that of its headers. */
  readonly firstByteMillis: Spread
  readonly firstTokenMillis: Spread
}

export interface Spread {
  readonly median: number
  readonly p99: number
}

export interface Calls {
  /** Starts a server; gives its address. */
  readonly startServer: { readonly input: ServerSettings; readonly output: string }
  /** Frees what memory can be freed. */
  readonly collectGarbage: { readonly input: null; readonly output: null }
  /** Reads one stream to its end; gives its text, with the id and the time of creation left out. */
  readonly sample: { readonly input: { readonly url: string }; readonly output: string }
  /** Opens so many streams at once and reads them all to their ends, which must be those of whole answers. */
  readonly readAll: {
    readonly input: { readonly url: string; readonly streams: number; readonly tokens: number }
    readonly output: Reception
  }
  /** Opens streams and keeps them open; gives how long it took until the headers of all were there. */
  readonly open: { readonly input: { readonly url: string; readonly streams: number }; readonly output: number }
  /** How many of the streams that are kept open have got a token. */
  readonly served: { readonly input: null; readonly output: number }
  /** Closes the connections of all of them, without a word. */
  readonly leave: { readonly input: null; readonly output: null }
  /** How many streams the server says are open. */
  readonly openStreams: { readonly input: { readonly url: string }; readonly output: number }
}
