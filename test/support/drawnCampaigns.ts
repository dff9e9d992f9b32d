/** What a store would hold, as its readers get it, without a store. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { AttemptRecord } from "../../src/campaign/AttemptRecord.ts"
import { Outcome } from "../../src/campaign/Battle.ts"
import type { AttemptFacts, BattleFacts, CampaignFacts } from "../../src/campaign/CampaignFacts.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import * as TokenTimings from "../../src/campaign/TokenTimings.ts"
import { definitionOf } from "./campaigns.ts"

/** A battle with its attempts drawn; times of tokens are whatever the bytes say. */
const DrawnBattle = Schema.Struct({
  task: Schema.String,
  agent: Schema.String,
  attempts: Schema.Array(AttemptRecord).check(Schema.isMaxLength(3)),
  gaps: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e6 }))).check(Schema.isMaxLength(5)),
  inFlight: Schema.Boolean
})

export const drawnBattles = Schema.Array(DrawnBattle).check(Schema.isMaxLength(4))

/** Within the years that ISO 8601 writes with four digits. */
const MOMENTS = 4e12

export const battleOf = (drawn: typeof DrawnBattle.Type, position: number): BattleFacts => {
  let at = 0
  const timings = TokenTimings.encode(drawn.gaps.map((gap) => ({ atMillis: at += gap / 10, tokens: gap % 3 + 1 })))
  const last = drawn.attempts.at(-1)
  const outcome = last?.outcome ?? Outcome.cases.Pending.make({})
  const number = drawn.attempts.length
  const idOf = (index: number) => position * 10 + index
  return {
    battle: { task: drawn.task, agent: drawn.agent, repetition: 1 },
    position,
    outcome: outcome._tag === "Pending" ? outcome : { ...outcome, attempt: number },
    reopenedAfter: 0,
    attempts: drawn.attempts.map((record, index): AttemptFacts => {
      const { battle: _battle, content: _content, outcome: _outcome, reasoning: _reasoning, ...attempt } = record
      return {
        ...attempt,
        id: idOf(index),
        number: index + 1,
        startedAt: Math.abs(Math.round(attempt.startedAt % MOMENTS)),
        durationMillis: Math.abs(attempt.durationMillis % MOMENTS),
        counted: outcome._tag !== "Pending" && index + 1 === number,
        superseded: false,
        timings
      }
    }),
    inFlight: drawn.inFlight && outcome._tag === "Pending"
      ? [{
        id: idOf(number),
        number: number + 1,
        epoch: null,
        startedAt: 1000,
        tokens: 7,
        timings,
        told: { at: 2000, phase: "decoding" }
      }]
      : []
  }
}

/** The transcript of an attempt is its id. */
export const factsOf = (
  battles: ReadonlyArray<BattleFacts>,
  more: { readonly definition?: Definition; readonly running?: boolean } = {}
): CampaignFacts => ({
  campaign: {
    definition: more.definition ?? definitionOf({}),
    configHash: "hash",
    state: "ended",
    createdAt: 1_795_000_000_000,
    readAt: 1_795_000_100_000,
    holder: more.running === true ? { pid: 1, host: "h", purpose: "run", since: 0 } : null,
    runner: null
  },
  epochs: [{ id: 1, engine: "engine-1", modelId: "m", modelRoot: null, serverStartedAt: null, beganAt: 5 }],
  battles: Stream.rechunk(Stream.fromIterable(battles), 3),
  transcriptOf: ({ id }) => Effect.succeed({ content: `content ${id}`, reasoning: `reasoning ${id}` })
})
