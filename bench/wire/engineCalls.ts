/**
 * What benches ask of the bare engine, and what it answers.
 */

/** What every stream of an engine looks like. */
export interface EngineSettings {
  readonly tokens: number
  /** Between two tokens, in milliseconds; below 1 several go out in one write; 0 = as fast as the reader takes them. */
  readonly gapMillis: number
  /** After so many tokens the stream stays open and says nothing more; null = it goes on to its end. */
  readonly silentAfter: number | null
  /** `stamped` tokens tell when they were written (see `stamps.ts`); `numbered` ones are "0;", "1;", "2;" ... */
  readonly text: "stamped" | "numbered"
  /** Characters put before the text of each token; 0 unless given. */
  readonly padding?: number
}

export interface EngineStreams {
  readonly open: number
  /** Tokens written since the engine was started. */
  readonly tokens: number
}

export interface EngineCalls {
  /** Starts an engine; gives its address, without a slash at the end. May be called again. */
  readonly startEngine: { readonly input: EngineSettings; readonly output: string }
  readonly streams: { readonly input: null; readonly output: EngineStreams }
  /** Waits until no stream is open; gives when the last one was closed, by the clock of the machine. */
  readonly allClosed: { readonly input: null; readonly output: number }
  /** Frees what memory can be freed. */
  readonly collectGarbage: { readonly input: null; readonly output: null }
}
