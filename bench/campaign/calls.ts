/**
 * What the campaign bench asks of its child processes beside those of the relay bench, and what they answer.
 */

/** One campaign against agents that are there already. */
export interface Played {
  readonly battles: number
  readonly concurrency: number
  readonly greenUrl: string
  readonly purpleUrl: string
  /** With its `/v1`. */
  readonly engineUrl: string
}

export interface StoredCampaign extends Played {
  readonly database: string
}

/** What playing has cost the one process that played. */
export interface PlayCost {
  readonly scored: number
  readonly tokens: number
  readonly wallMillis: number
  /** All its threads; without what measuring itself took. */
  readonly cpuMillis: number
}

/** One turn of the event loop in which the store worked. */
export interface Block {
  /** Without the time in which others had the processor, where that is known. */
  readonly heldMillis: number
  readonly wallMillis: number
  /** How the statement begins that took most of it. */
  readonly longestCall: string
}

export interface RunnerCost extends PlayCost {
  /** Live bytes of the heap, collected, after equal parts of the battles. */
  readonly heaps: ReadonlyArray<number>
  /** Resident memory at the same moments. */
  readonly residents: ReadonlyArray<number>
  readonly longestBlock: Block
  /** The store's work in the thread of the event loop. */
  readonly sqliteMillis: number
  /** How long the longest call of its own thread took, and whoever made it waited. */
  readonly longestWaitMillis: number
  /** Of the event loop, whatever held it up, in milliseconds. */
  readonly loopDelay: { readonly p50: number; readonly p99: number; readonly max: number }
}

export interface Calls {
  /** Starts our green agent; gives its address. */
  readonly startGreen: { readonly input: null; readonly output: string }
  /** Makes the store of a campaign that nobody has begun. */
  readonly create: { readonly input: StoredCampaign; readonly output: null }
  /** Plays all battles of the store. */
  readonly play: { readonly input: StoredCampaign; readonly output: RunnerCost }
  /** Battles scored so far. */
  readonly scored: { readonly input: null; readonly output: number }
  /** Reads a store and plans what is left, as a resumed campaign does. */
  readonly plan: {
    readonly input: { readonly database: string }
    readonly output: { readonly loadMillis: number; readonly planMillis: number; readonly pending: number }
  }
  /** Plays as many battles without any of what a campaign adds. */
  readonly loop: { readonly input: Played; readonly output: PlayCost }
}
