/**
 * What a dashboard's page is told over its event stream: a snapshot of everything, then what has changed, at most five
 * times a second.
 *
 * Laws
 * - A snapshot with the changes after it, applied in their order, is the snapshot of that moment: counts, rows, cells,
 *   engines and lists are equal; only marks differ, because older ones are merged.
 * - Frames of one server are numbered without a gap. The first frame of a connection is a snapshot, unless the frames after
 *   the last one that the page has seen are still there; whenever a snapshot comes, it replaces all that was known.
 * - Every frame is bounded by the plan and by the battles in flight, not by tokens.
 *
 * Times called `atMillis` are milliseconds of the campaign's clock, which began when its process began or resumed it: add
 * `origin` for milliseconds since 1970. Between frames the page lets the clock run by its own. `null` is what nobody knows.
 * Texts are those of agents, engines and files: hostile until they are shown as text, and cut where they are long.
 *
 * This module holds types only and imports nothing, because the page has it, too.
 */

export type Frame = Snapshot | Changes | Beat

/** Everything. */
export interface Snapshot extends State {
  readonly kind: "snapshot"
  /** Of the frame, for `Last-Event-ID`. */
  readonly sequence: number
  readonly atMillis: number
}

/**
 * What is different since the frame before: a part that is absent has not changed. Parts are applied in the order in which
 * they stand here.
 */
export interface Changes {
  readonly kind: "changes"
  readonly sequence: number
  readonly atMillis: number
  readonly state?: RunState
  readonly totals?: Totals
  /** Battles that are no row any more. */
  readonly left?: ReadonlyArray<number>
  /** Rows that are new, or that begin anew with another attempt: they replace what was known of their battle. */
  readonly rows?: ReadonlyArray<Row>
  /** Rows that have moved on. */
  readonly moved?: ReadonlyArray<Moved>
  /** Attempts that have ended, the oldest first: each goes to the front of `ended`, and of `stalls` if it is one. */
  readonly ended?: ReadonlyArray<Ended>
  /** Whole cells in the place of those with the same task and agent. */
  readonly cells?: ReadonlyArray<Cell>
  /** All engines and agents, if anything has changed in one of them. */
  readonly lanes?: ReadonlyArray<Lane>
  readonly breakers?: ReadonlyArray<Gate>
  /** Things worth a line, the oldest first: each goes to the front of `notices`. */
  readonly notices?: ReadonlyArray<Notice>
}

/** Nothing has changed, and the connection lives. Comes after five seconds without another frame; has no number. */
export interface Beat {
  readonly kind: "beat"
  readonly atMillis: number
}

export interface State {
  readonly campaign: Campaign
  readonly state: RunState
  readonly totals: Totals
  /** Battles in flight, and those that wait for their next attempt, in the order of their slots. */
  readonly rows: ReadonlyArray<Row>
  /** How long lists become before their last elements are forgotten. */
  readonly kept: { readonly ended: number; readonly stalls: number; readonly notices: number }
  /** The last attempts that have ended, newest first. */
  readonly ended: ReadonlyArray<Ended>
  /** Of those that have stalled, the last ones, newest first. */
  readonly stalls: ReadonlyArray<Ended>
  /** Those of a task and an agent that have battles, in the order of tasks, then agents. */
  readonly cells: ReadonlyArray<Cell>
  readonly lanes: ReadonlyArray<Lane>
  /** The breakers of agents that are not played against as usual. */
  readonly breakers: ReadonlyArray<Gate>
  /** Newest first. */
  readonly notices: ReadonlyArray<Notice>
}

export interface Campaign {
  readonly id: string
  /** The name of the store's file. */
  readonly file: string
  /** In milliseconds since 1970: when the clock of `atMillis` was 0. */
  readonly origin: number
  /** Names, in the order of the plan; everything else names tasks and agents by their place in these. */
  readonly tasks: ReadonlyArray<string>
  readonly agents: ReadonlyArray<string>
  readonly repetitions: number
  /** The most battles that run at once. */
  readonly atOnce: number
  readonly stallPolicy: "off" | "warn" | "enforce"
}

export interface RunState {
  /** `stored`: nobody runs it, and battles are pending. */
  readonly run: "running" | "stopping" | "stored" | "ended" | "cancelled"
  /** Why it stops, or has stopped; a clause. */
  readonly why: string | null
  /** How much later than they happened things are shown: 0 in the process that runs the campaign. */
  readonly lateMillis: number
  /** When nothing more happened; `null` while somebody runs it. */
  readonly endedAtMillis: number | null
}

export interface Totals extends Counts {
  /** Attempts in flight. */
  readonly active: number
  /** Battles that wait for their next attempt. */
  readonly waiting: number
  /** Tokens that have arrived since `origin`. */
  readonly tokens: number
  /** Over the last seconds. */
  readonly tokensPerSecond: number
  /** Attempts that have stalled, so far and before. */
  readonly stalls: number
  /** Attempts that have ended, so far and before. */
  readonly attempts: number
  readonly remaining: Remaining | null
}

/** Until the end of the campaign. */
export interface Remaining {
  readonly millis: number
  /** The bounds of the middle 95 of 100; `null` where there are none. */
  readonly lowMillis: number | null
  readonly highMillis: number | null
}

/** Battles by what became of them; all together are planned. */
export interface Counts {
  /** The score that its task asks for. */
  readonly passed: number
  /** Less than that, and more than nothing. */
  readonly partial: number
  readonly failed: number
  readonly unscored: number
  readonly pending: number
}

export type Result = keyof Counts

/** Which battle: `battle` is its place in the plan from 0, which stays its address; see `BattlePage`. */
export interface Named {
  readonly battle: number
  /** Its place in `Campaign.tasks`. */
  readonly task: number
  /** Its place in `Campaign.agents`. */
  readonly agent: number
  /** From 1. */
  readonly repetition: number
}

export type Phase =
  | "connecting"
  | "awaiting"
  | "queued"
  | "prefill"
  | "thinking"
  | "decoding"
  | "tool-call"
  | "agent-work"
  | "finishing"

/** A battle in flight, or between two attempts. */
export interface Row extends Named {
  /** A place that stays the same while the battle is a row; the lowest free one was taken. */
  readonly slot: number
  /** The attempt in flight, or the one that is waited for. */
  readonly attempt: number
  /** Set while it waits for its next attempt; then nothing is in flight. */
  readonly waiting: Waiting | null
  readonly beganAtMillis: number
  readonly phase: Phase
  readonly tokens: number
  /** Tokens per second over the last seconds. */
  readonly rate: number | null
  readonly firstTokenAtMillis: number | null
  /** Silence is since then, or since `beganAtMillis` before the first token; not at all in `finishing`. */
  readonly lastTokenAtMillis: number | null
  readonly limit: Limit | null
  readonly engine: EngineWord | null
  /** Why it is called slow; `null` where it is not. */
  readonly slow: string | null
  /** What it was found to be, where the stall policy is only to warn; `null` where it was not. */
  readonly stalled: string | null
  /** The last half minute or less, oldest first. */
  readonly marks: ReadonlyArray<Mark>
}

/** A row's new values, and marks that are appended. */
export interface Moved extends Partial<Omit<Row, keyof Named | "slot" | "attempt" | "waiting" | "beganAtMillis">> {
  readonly battle: number
}

export interface Waiting {
  readonly untilMillis: number
  /** Why the attempt before it ended. */
  readonly reason: string
}

/** What ends a silence; there is none while nothing does. */
export interface Limit {
  /** silent, frozen, first-token, or such. */
  readonly name: string
  readonly millis: number
  /** The same with its origin, for people: "2 min 10 s, learned from 412 runs". */
  readonly words: string
  /** From when it counts: the last token, or since then the last sign of life of another kind. */
  readonly sinceMillis: number
}

/** What the engine behind an attempt does, in one word such as moving or still, and who says so: agent, tap, metrics. */
export interface EngineWord {
  readonly word: string
  readonly by: string | null
}

/** Tokens that arrived together or nearly so: when the last of them did, how many, and of which kind. */
export type Mark = readonly [atMillis: number, tokens: number, channel: Channel]

/** 0 content, 1 reasoning, 2 a tool call. */
export type Channel = 0 | 1 | 2

/** An attempt that has ended. */
export interface Ended extends Named {
  readonly attempt: number
  readonly atMillis: number
  readonly verdict: "completed" | "stalled" | "slow" | "failed" | "cancelled" | "abandoned"
  /** What the attempt made of its battle: pending where another one follows. */
  readonly result: Result
  readonly score: number | null
  /** What the grader said, why there is no score, or what the error was. */
  readonly reason: string
  readonly tokens: number
  readonly tokensPerSecond: number | null
  readonly timeToFirstTokenMillis: number | null
  readonly durationMillis: number
  readonly stall: Stall | null
}

/** Why an attempt was given up for dead, and what proved it. */
export interface Stall {
  /** Whose silence: engine, agent, or such. */
  readonly hop: string
  /** engine-hung, silent, or such. */
  readonly kind: string
  readonly confidence: "proved" | "inferred"
  readonly phase: Phase
  readonly tokens: number
  readonly silentMillis: number
  readonly limit: Omit<Limit, "sinceMillis">
  /** What the engine's metrics showed, or that nothing did; a clause. */
  readonly proof: string
  readonly decidedBy: string
  /** Whether the metrics are those of the engine that served it: proven, inherited, unproven, refuted. */
  readonly binding: string
  /** How long the engine had stood still when it was last seen. */
  readonly frozenMillis: number | null
  /** Whether the engine is known to have dropped the request. */
  readonly cancel: "confirmed" | "unconfirmed"
  /** The last scrapes, oldest first; times since the attempt's request began. */
  readonly samples: ReadonlyArray<Sample>
}

/** One scrape of an engine's metrics. */
export interface Sample {
  readonly atMillis: number
  readonly outcome: "ok" | "refused" | "failed"
  readonly running: number | null
  readonly waiting: number | null
  /** 0 to 1. */
  readonly kvCacheUsage: number | null
  /** Since its server began. */
  readonly generationTokens: number | null
}

/** The battles of one task and one agent. */
export interface Cell extends Counts {
  readonly task: number
  readonly agent: number
  readonly active: number
  /** Attempts that have stalled. */
  readonly stalls: number
  /** Of the scores, 0 to 1. */
  readonly meanScore: number | null
}

/** What shares a limit of concurrency: an engine with its agents, or an agent whose engine nobody knows. */
export interface Lane {
  readonly name: string
  readonly engine: string | null
  /** Their places in `Campaign.agents`. */
  readonly agents: ReadonlyArray<number>
  readonly active: number
  /** The most battles at once, now. */
  readonly concurrency: number
  /** `null` where nobody doubts the engine. */
  readonly gate: Gate | null
  /** Why it begins nothing. */
  readonly halted: string | null
  readonly epoch: Epoch | null
  readonly load: Load | null
}

/** The gate of an engine, or the breaker of an agent, that is not closed. */
export interface Gate {
  /** The endpoint, or the agent's name. */
  readonly of: string
  readonly state: "suspect" | "open" | "half-open"
  readonly sinceMillis: number
  readonly why: string
  readonly nextCanaryAtMillis: number | null
}

/** The engine's process and models since it was last another one. */
export interface Epoch {
  readonly models: string
  readonly roots: string | null
  /** When its process began, in milliseconds since 1970. */
  readonly startedAt: number | null
}

/** What the engine's own metrics last said. */
export interface Load {
  readonly atMillis: number
  readonly running: number | null
  readonly waiting: number | null
  /** 0 to 1. */
  readonly kvCacheUsage: number | null
  /** Of everybody that it serves, over the last seconds. */
  readonly tokensPerSecond: number | null
  readonly asleep: boolean | null
}

/** Something that happened to the campaign and not to one battle. */
export interface Notice {
  readonly atMillis: number
  readonly kind: "gate" | "breaker" | "operator" | "epoch" | "halt" | "concurrency" | "mode" | "outcomes" | "stopping"
  readonly text: string
  /** Worth interrupting somebody: a gate that shuts, a lane that halts, a call for an operator. */
  readonly urgent: boolean
}
