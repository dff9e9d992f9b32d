/**
 * Stored campaigns as values, from little: for tests of what a report makes of them.
 *
 * A battle is told by its attempts, the first one first; the last of them that completed is the one that counts.
 */
import * as Schema from "effect/Schema"
import { Outcome } from "../../src/campaign/Battle.ts"
import type { AttemptFacts, BattleFacts, CampaignHead } from "../../src/campaign/CampaignFacts.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import type { EngineEpoch } from "../../src/campaign/EngineEpoch.ts"
import * as TokenTimings from "../../src/campaign/TokenTimings.ts"
import type { Report } from "../../src/report/Report.ts"
import { ReportFold } from "../../src/report/ReportFold.ts"
import { definitionOf } from "./campaigns.ts"
import { failed, stalled } from "./runErrors.ts"

export const BEGAN = 1_795_000_000_000

export interface Try extends Partial<Omit<AttemptFacts, "timings" | "number">> {
  /** When tokens arrived, in milliseconds, one at a time; or how many at once. */
  readonly at?: ReadonlyArray<number | readonly [atMillis: number, tokens: number]>
  /** It completed with this score, which is passed if it is 1. */
  readonly score?: number
}

export interface Told {
  readonly task?: string
  readonly agent?: string
  readonly repetition?: number
  readonly tries: ReadonlyArray<Try>
  /** Why it has no score, where it has none and is not pending. */
  readonly unscored?: string
  readonly inFlight?: BattleFacts["inFlight"]
}

const errorsOf = { stalled: () => stalled("engine-hung"), failed: () => failed({ _tag: "Truncated" }) } as const

const attemptOf = (
  one: Try,
  { counted, id, number }: Pick<AttemptFacts, "id" | "number" | "counted">
): AttemptFacts => {
  const { at = [], ...told } = one
  delete told.score
  const arrivals = at.map((one) =>
    typeof one === "number" ? { atMillis: one, tokens: 1 } : { atMillis: one[0], tokens: one[1] }
  )
  const verdict = told.verdict ?? "completed"
  return {
    id,
    number,
    verdict,
    counted,
    superseded: false,
    charged: verdict !== "cancelled" && verdict !== "abandoned",
    epoch: null,
    mode: "stream",
    error: verdict === "stalled" || verdict === "failed" ? errorsOf[verdict]() : null,
    startedAt: BEGAN + id * 1000,
    durationMillis: 1000,
    tokens: arrivals.reduce((sum, { tokens }) => sum + tokens, 0),
    tokenBasis: "usage",
    promptTokens: null,
    finishReason: verdict === "completed" ? "stop" : null,
    timeToFirstTokenMillis: arrivals[0]?.atMillis ?? null,
    tokensPerSecond: null,
    grading: null,
    timings: TokenTimings.encode(arrivals),
    ...told
  }
}

/** The facts of battles in the order of their plan. */
const factsOf = (battles: ReadonlyArray<Told>): ReadonlyArray<BattleFacts> => {
  let id = 0
  return battles.map(({ agent = "agent-1", inFlight = [], repetition = 1, task = "a", tries, unscored }, position) => {
    const scored = tries.findLastIndex(({ score }) => score !== undefined)
    const number = scored < 0 ? tries.length : scored + 1
    const score = tries[scored]?.score
    const attempts = tries.map((one, index) =>
      attemptOf(one, {
        id: ++id,
        number: index + 1,
        counted: index + 1 === number && (score !== undefined || unscored !== undefined)
      })
    )
    return {
      battle: { task, agent, repetition },
      position,
      outcome: score !== undefined
        ? Outcome.cases.Scored.make({
          grade: { score, passed: score === 1, tests: [], explanation: "" },
          attempt: number
        })
        : unscored !== undefined
        ? Outcome.cases.Unscored.make({ reason: unscored, attempt: number })
        : Outcome.cases.Pending.make({}),
      reopenedAfter: 0,
      attempts,
      inFlight
    }
  })
}

export const headOf = (definition: Definition, overrides: Partial<CampaignHead> = {}): CampaignHead => ({
  definition,
  configHash: "c0ffee",
  state: "ended",
  createdAt: BEGAN,
  readAt: BEGAN + 3_600_000,
  holder: null,
  runner: null,
  ...overrides
})

/** With these agents instead of the one, which all are like it. */
export const withAgents = (definition: Definition, [first, ...rest]: ReadonlyArray<string>): Definition => ({
  ...definition,
  agents: [
    { ...definition.agents[0], name: first! },
    ...rest.map((name) => ({ ...definition.agents[0], name }))
  ]
})

/** The report of a campaign of such battles. */
export const reportOf = (
  head: CampaignHead,
  battles: ReadonlyArray<Told>,
  epochs: ReadonlyArray<EngineEpoch> = []
): Report => {
  const fold = new ReportFold(head)
  for (const facts of factsOf(battles)) fold.add(facts)
  return fold.report(epochs, "night.db")
}

const Small = (most: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: most }))

const AnyTry = Schema.Struct({
  verdict: Schema.Literals(["completed", "stalled", "slow", "failed", "cancelled", "abandoned"]),
  superseded: Schema.Literals([false, false, false, true]),
  mode: Schema.Literals(["stream", "stream", "poll", "blocking", "tap"]),
  tokenBasis: Schema.Literals(["usage", "deltas", "pieces"]),
  /** Tenths of a second between arrivals. */
  gaps: Schema.Array(Small(3000)),
  more: Small(3000),
  score: Schema.Literals([0, 0.5, 1])
})

/** Any battles of two agents and three tasks, some of them never begun. */
export const AnyBattles = Schema.Array(Schema.Struct({
  task: Schema.Literals(["a", "b", "c"]),
  agent: Schema.Literals(["agent-1", "agent-2"]),
  tries: Schema.Array(AnyTry),
  isUnscored: Schema.Boolean
}))

/** The head of a campaign that such battles are of. */
export const anyHead = headOf(
  withAgents(definitionOf({ tasks: ["a", "b", "c"], repetitions: 3 }), ["agent-1", "agent-2"])
)

/** They as told: a battle is scored by the last try that completed in time, and nothing comes after that. */
export const toldOf = (battles: typeof AnyBattles.Type): ReadonlyArray<Told> =>
  battles.map(({ agent, isUnscored, task, tries }, index): Told => {
    const scored = tries.findIndex(({ superseded, verdict }) => verdict === "completed" && !superseded)
    const told = (scored < 0 ? tries : tries.slice(0, scored + 1)).map(({ gaps, more, score, ...rest }): Try => {
      let atMillis = 0
      const at = gaps.map((gap) => atMillis += gap * 100)
      return {
        ...rest,
        at,
        durationMillis: atMillis + more * 100,
        ...rest.verdict === "completed" && !rest.superseded ? { score } : {}
      }
    })
    const common = { task, agent, repetition: index + 1, tries: told }
    return scored < 0 && isUnscored ? { ...common, unscored: "it failed" } : common
  })
