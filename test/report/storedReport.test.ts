/** The report of a campaign in a file is that of its rows, and of one moment. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { join } from "node:path"
import { Outcome, plan } from "../../src/campaign/Battle.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { summarize } from "../../src/campaign/CampaignSummary.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import * as TokenTimings from "../../src/campaign/TokenTimings.ts"
import { reportOf } from "../../src/report/ReportFold.ts"
import { attemptOf, failedOf, grade, lastOf } from "../support/attempts.ts"
import { definitionOf } from "../support/campaigns.ts"
import { stalled } from "../support/runErrors.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const definition = definitionOf({ tasks: ["a", "b"], repetitions: 2 })
const [first, second, third] = plan(definition)
const timings = TokenTimings.encode([{ atMillis: 400, tokens: 1 }, { atMillis: 420, tokens: 16 }])

const written = Effect.fnUntraced(function*(filename: string) {
  const store = yield* CampaignStore
  const desk = yield* RunnerDesk
  yield* store.create(definition, "c0ffee")
  const epoch = yield* store.epoch({
    engine: "engine-1",
    modelId: "m",
    modelRoot: null,
    serverStartedAt: null,
    beganAt: 1000
  })
  const start = { startedAt: 2000, epoch }
  yield* store.begin(first!, start)
  yield* store.record(failedOf(first!, 1, { verdict: "stalled", error: stalled("engine-dead"), timings, epoch }))
  yield* store.begin(first!, start)
  const outcome = Outcome.cases.Scored.make({ grade, attempt: 2 })
  yield* store.record(attemptOf(first!, 2, { timings, epoch, outcome }))
  yield* store.begin(second!, start)
  yield* store.record(lastOf(second!, 1))
  yield* store.begin(third!, start)
  yield* desk.advance([{
    battle: third!,
    number: 1,
    phase: "decoding",
    tokens: 3,
    content: "",
    reasoning: "",
    arrivals: [{ atMillis: 30, tokens: 3 }]
  }])
  // Waits for what was only offered.
  yield* store.setState("running")
  return { filename, stored: yield* Effect.flatMap(store.load, Effect.fromOption) }
})

describe("reportOf", () => {
  it.effect("reads what was stored, while the campaign runs", () =>
    Effect.gen(function*() {
      const file = join(yield* temporaryDirectory, "night.db")
      yield* Effect.gen(function*() {
        const { stored } = yield* written(file)
        const report = Option.getOrThrow(yield* reportOf(file))
        assert.deepStrictEqual(report.summary, summarize(stored))
        assert.deepInclude(report.header, { file, configHash: "c0ffee", state: "running", repetitions: 2 })
        assert.deepInclude(report.summary.battles, { planned: 4, scored: 1, unscored: 1, pending: 2 })
        assert.strictEqual(report.attemptEnds.inFlight, 1)
        const [stall] = report.stalls.rows
        assert.deepInclude(stall, { kind: "engine-dead", battle: first!, afterwards: "scored-later", scoredIn: 2 })
        assert.deepStrictEqual(stall!.evidence, stalled("engine-dead").circumstances.evidence)
        assert.deepInclude(report.latencies.overall.itl, { n: 1, mean: 20 })
        assert.strictEqual(report.epochs.rows[0]!.epoch?.modelId, "m")
        assert.deepStrictEqual(JSON.parse(JSON.stringify(report)), report)
      }).pipe(Effect.provide(CampaignStore.layer({ filename: file, create: true })))
    }))

  it.effect("has none of a file that holds no campaign", () =>
    Effect.gen(function*() {
      const file = join(yield* temporaryDirectory, "empty.db")
      yield* CampaignStore.use(() => Effect.void).pipe(
        Effect.provide(CampaignStore.layer({ filename: file, create: true }))
      )
      assert.isTrue(Option.isNone(yield* reportOf(file)))
    }))
})
