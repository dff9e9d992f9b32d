/**
 * What the page of one battle is told, as JSON, by the paths below. Nothing here is live: the page asks again while an
 * attempt is in flight, and of a transcript only for what has been added.
 *
 *     GET /api/battles?task=0&agent=0          the battles of a cell: BattleList
 *     GET /api/battles/7                       one battle: BattlePage
 *     GET /api/battles/7/attempts/1/content?from=0     a piece of a transcript: Piece; also …/reasoning
 *
 * An answer that is no success is a `Problem`. Types only, without imports, because the page has them, too; texts are
 * hostile until they are shown as text.
 */
import type { Named, Phase, Result, Stall } from "./Frame.ts"

export interface BattleList {
  readonly battles: ReadonlyArray<BattleSummary>
}

export interface BattleSummary extends Named {
  readonly result: Result
  readonly score: number | null
  /** Begun so far. */
  readonly attempts: number
}

export interface BattlePage extends Named {
  readonly taskName: string
  readonly agentName: string
  /** What was asked; cut where it is long. */
  readonly prompt: string
  readonly result: Result
  readonly score: number | null
  /** What the grader said, or why there is no score. */
  readonly reason: string
  /** The hidden tests in their order; empty where there are none. */
  readonly tests: ReadonlyArray<{ readonly outcome: string; readonly detail: string }>
  /** The attempt that the outcome rests on. */
  readonly countedAttempt: number | null
  /** The oldest first. */
  readonly attempts: ReadonlyArray<AttemptPage>
}

export interface AttemptPage {
  readonly attempt: number
  /** `null` while it is in flight. */
  readonly verdict: "completed" | "stalled" | "slow" | "failed" | "cancelled" | "abandoned" | null
  /** The last one that was told, while it is in flight. */
  readonly phase: Phase | null
  /** In milliseconds since 1970. */
  readonly startedAt: number
  /** So far, while it is in flight. */
  readonly durationMillis: number
  readonly tokens: number
  /** What the number of tokens rests on. */
  readonly tokenBasis: "deltas" | "usage" | "pieces"
  readonly promptTokens: number | null
  readonly finishReason: string | null
  readonly timeToFirstTokenMillis: number | null
  readonly tokensPerSecond: number | null
  /** How the agent was followed: stream, poll, tap, blocking. */
  readonly mode: string
  /** It gave its battle its outcome. */
  readonly counted: boolean
  /** It came too late to be of any effect. */
  readonly superseded: boolean
  /** It used up one of its battle's attempts. */
  readonly charged: boolean
  /** How its answer was graded: the kind of sandbox. */
  readonly grading: string | null
  readonly engine: { readonly models: string; readonly startedAt: number | null } | null
  /** Why it ended without an answer, in words. */
  readonly error: string | null
  readonly stall: Stall | null
  /** When tokens arrived, in milliseconds since the attempt began, and how many: at most some thousand, merged evenly. */
  readonly timeline: ReadonlyArray<readonly [atMillis: number, tokens: number]>
  readonly reasoning: Piece
  readonly content: Piece
}

/** A piece of a text; there is more while `from + length < total`. All three count Unicode characters. */
export interface Piece {
  readonly from: number
  readonly length: number
  readonly total: number
  readonly text: string
}

export interface Problem {
  /** One line that says what was wrong with the request, for people. */
  readonly error: string
}
