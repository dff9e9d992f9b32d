/**
 * The store of a campaign in which everything happened once: two agents, three tasks, four repetitions; stalls before and
 * after the first token, failures, an attempt over its hard cap, retries, late answers, interruptions, agents that tell
 * little, two epochs and an engine that nobody knows, battles given up, pending and in flight. Always the same.
 */
import * as Effect from "effect/Effect"
import type { AttemptRecord } from "../../src/campaign/AttemptRecord.ts"
import { type Battle, Outcome, plan } from "../../src/campaign/Battle.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import { everything } from "../../src/campaign/Selection.ts"
import * as TokenTimings from "../../src/campaign/TokenTimings.ts"
import { fromTests, type TestResult } from "../../src/grading/Grade.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { definitionOf } from "./campaigns.ts"
import { errorOf, failed, stalled } from "./runErrors.ts"

const BEGAN = 1_795_000_000_000

const tests = (passed: number): ReadonlyArray<TestResult> =>
  Array.from({ length: 4 }, (_, index) => ({ outcome: index < passed ? "passed" : "wrong-value" }))

const eventfulDefinition: Definition = (() => {
  const definition = definitionOf({ tasks: ["a", "b", "c"], repetitions: 4 })
  const [agent] = definition.agents
  return { ...definition, agents: [{ ...agent, name: "one" }, { ...agent, name: "two" }] }
})()

/** Numbers from 0 to 1 that come in the same order every time. */
const numbers = () => {
  let state = 7
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

/** Writes it into a new file. */
export const writeEventfulNight = (filename: string) =>
  Effect.gen(function*() {
    const store = yield* CampaignStore
    const desk = yield* RunnerDesk
    yield* store.create(eventfulDefinition, "hash")
    const epochOf = (modelRoot: string, beganAt: number) =>
      store.epoch({ engine: "engine-1", modelId: "m", modelRoot, serverStartedAt: beganAt - 5, beganAt })
    const epochs = [yield* epochOf("x", BEGAN), yield* epochOf("y", BEGAN + 50_000), null] as const
    yield* epochOf("z", BEGAN + 90_000)
    const next = numbers()
    let begun = 0

    const begin = Effect.fnUntraced(function*(battle: Battle) {
      const epoch = epochs[begun % 3]!
      const startedAt = BEGAN + begun++ * 10_000
      const number = yield* store.begin(battle, { startedAt, epoch })
      const ended = (tokens: number, more: Partial<AttemptRecord>): AttemptRecord => {
        let at = 100 + next() * 900
        const arrivals = Array.from({ length: tokens }, (_, index) => ({
          atMillis: index === 0 ? at : at += 10 + next() ** 6 * 20_000,
          tokens: index % 5 === 4 ? 3 : 1
        }))
        const timings = TokenTimings.encode(arrivals)
        const [first] = TokenTimings.decode(timings)
        return {
          battle,
          number,
          epoch,
          startedAt,
          mode: "stream",
          verdict: "completed",
          error: null,
          charged: true,
          grading: null,
          durationMillis: at + 250.5,
          tokens: arrivals.reduce((sum, { tokens }) => sum + tokens, 0),
          tokenBasis: "usage",
          promptTokens: 5,
          finishReason: "stop",
          timeToFirstTokenMillis: first?.atMillis ?? null,
          tokensPerSecond: tokens > 1 ? 20 + next() * 50 : null,
          content: "",
          reasoning: "",
          timings,
          outcome: Outcome.cases.Pending.make({}),
          ...more
        }
      }
      return { number, ended }
    })

    const scored = (passed: number): Partial<AttemptRecord> => ({
      outcome: Outcome.cases.Scored.make({ grade: fromTests(tests(passed)), attempt: 0 })
    })
    const wrong = (error: RunError, more: Partial<AttemptRecord> = {}): Partial<AttemptRecord> => ({
      verdict: error._tag === "Stalled" ? "stalled" : error._tag === "Slow" ? "slow" : "failed",
      error,
      finishReason: null,
      ...more
    })
    const unscored = { outcome: Outcome.cases.Unscored.make({ reason: "no attempt is left", attempt: 0 }) }
    const played = Effect.fnUntraced(function*(battle: Battle, tokens: number, more: Partial<AttemptRecord>) {
      const { ended } = yield* begin(battle)
      yield* store.record(ended(tokens, more))
    })

    for (const [index, battle] of plan(eventfulDefinition).entries()) {
      switch (index) {
        case 0:
          yield* played(battle, 12, wrong(stalled("engine-hung"), { durationMillis: 95_000 }))
          yield* played(battle, 30, scored(4))
          break
        case 1:
          yield* played(battle, 0, wrong(stalled("silent"), { durationMillis: 130_000 }))
          yield* played(battle, 0, { verdict: "cancelled", charged: false })
          yield* played(battle, 20, scored(2))
          break
        case 2:
          yield* played(battle, 3, wrong(failed({ _tag: "Truncated" })))
          yield* played(battle, 1, wrong(failed({ _tag: "Rejected", status: 400, detail: "no" }), unscored))
          break
        case 3:
        case 10: {
          // The first attempt ends after the next one, too late to be of any effect.
          const first = yield* begin(battle)
          yield* played(battle, 9, scored(4))
          yield* store.record(first.ended(40, index === 3 ? scored(4) : wrong(stalled("engine-hung"))))
          break
        }
        case 4:
          yield* played(battle, 9, wrong(errorOf("budget"), unscored))
          break
        case 5:
          yield* played(battle, 8, { ...scored(1), mode: "poll", tokenBasis: "pieces", tokensPerSecond: null })
          break
        case 6:
          yield* played(battle, 0, { ...scored(4), mode: "blocking", durationMillis: 20_000 })
          break
        case 7:
          yield* played(battle, 6, wrong(failed({ _tag: "Truncated" })))
          yield* played(battle, 25, { ...scored(4), mode: "tap", tokenBasis: "deltas" })
          break
        case 8:
          yield* played(battle, 6, wrong(stalled("orphaned"), { ...unscored, durationMillis: 61_000 }))
          break
        case 9:
          yield* played(battle, 1, scored(3))
          break
        case 21: {
          const { number } = yield* begin(battle)
          yield* desk.advance([{
            battle,
            number,
            phase: "decoding",
            tokens: 2,
            content: "so far",
            reasoning: "",
            arrivals: [{ atMillis: 300, tokens: 1 }, { atMillis: 330, tokens: 1 }]
          }])
          break
        }
        case 22:
          yield* store.giveUp({ ...everything, tasks: [battle.task], agents: [battle.agent] }, "given up", [battle])
          break
        case 23:
          break
        default:
          yield* played(battle, 10 + index, scored(index % 5))
      }
    }
    yield* store.setState("paused")
  }).pipe(Effect.provide(CampaignStore.layer({ filename, create: true }), { local: true }))
