/**
 * The watched engine against every fault of the simulated one: the verdict that the catalogue asks for, in virtual time,
 * over real sockets, with evidence scraped from the simulated /metrics; and the journal of the simulated engine, which
 * must agree on what was closed and when.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Engine } from "../../src/engine/Engine.ts"
import * as ScrapedEvidence from "../../src/engine/ScrapedEvidence.ts"
import { WatchedEngine } from "../../src/engine/WatchedEngine.ts"
import { Failed, kindOf } from "../../src/liveness/Failed.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { Stalled } from "../../src/liveness/Stalled.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import type { Verdict } from "../../src/liveness/Verdict.ts"
import { catalogue } from "../../src/simulator/faults/FaultCatalogue.ts"
import type { FaultEntry } from "../../src/simulator/faults/FaultEntry.ts"
import type { JournalEvent } from "../../src/simulator/Journal.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { pass } from "../simulator/faults/virtualTime.ts"
import { simulator } from "../simulator/harness.ts"

interface Run {
  readonly verdicts: Array<Verdict>
  ended: unknown
  seconds: number
  /** Milliseconds of the clock of the journal at the last verdict. */
  atMillis: number
}

/** One answer, watched from the moment it is asked for. */
const watched = Effect.gen(function*() {
  const engine = yield* WatchedEngine
  const clock = yield* Clock.Clock
  const run: Run = { verdicts: [], ended: "not yet", seconds: 0, atMillis: 0 }
  const fiber = yield* engine.stream({
    messages: [{ role: "user", content: "hi" }],
    requestId: "one",
    onVerdict: (verdict) => {
      run.verdicts.push(verdict)
      run.atMillis = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    }
  }).pipe(
    Stream.runDrain,
    Effect.match({
      onSuccess: () => {
        run.ended = "completed"
      },
      onFailure: (error) => {
        run.ended = error
      }
    }),
    Effect.forkChild({ startImmediately: true })
  )
  return { run, stop: Fiber.interrupt(fiber) }
})

/** All that a campaign has for one endpoint. */
const client = (maxTokens: number, rank: number) =>
  Layer.unwrap(Effect.map(Simulator, ({ url }) =>
    // A drip is called slow only where its user asked for a rate.
    WatchedEngine.layer({ limits: { ...defaults, minimumTokensPerSecond: 0.05 } }).pipe(Layer.provide([
      Engine.layer({ baseUrl: `${url}/v1`, model: "simulated-model", maxTokens, dataParallelRank: rank }),
      ScrapedEvidence.layer({ baseUrl: `${url}/v1`, engine: String(rank) }),
      LimitLearner.layerNone,
      Ticker.layer()
    ]))))

const until = (run: Run, longest: number) =>
  Effect.gen(function*() {
    for (; run.seconds < longest && run.ended === "not yet"; run.seconds += 10) yield* pass(10, 1, 2)
    // What the last step set free is on its way.
    yield* pass(0)
  })

/** Faults that concern a connection which is not made yet: the request that comes after the one that begins them. */
const aboutConnecting = new Set(["connection-refused", "server-silent"])

/** The fault meets the second request; those of the server that no request begins happen when it comes. */
const faultOf = ({ example, name }: FaultEntry): string => {
  if (name === "mass-hang") return "mass-hang:streams=1,request=2"
  if (aboutConnecting.has(name)) return `${name}:request=1,for=3600`
  return (example.includes(";") ? example : name).split(";").map((fault) =>
    `${fault.trim()}${fault.includes(":") ? "," : ":"}request=2`
  ).join(";")
}

interface Met extends Run {
  readonly journal: ReadonlyArray<JournalEvent>
  /** When the clock of the journal began, by that of the run. */
  readonly open: number
}

/** The second answer, which meets the fault; the first one proves that the metrics are the engine's. */
const outcomeOf = (fault: FaultEntry, maxTokens: number, rank = 0) =>
  Effect.gen(function*() {
    const { journal, streams } = yield* Simulator
    const healthy = yield* watched
    yield* until(healthy.run, 100)
    assert.strictEqual(healthy.run.ended, "completed")
    const before = (yield* journal).length
    const { run, stop } = yield* watched
    yield* until(run, 2000)
    yield* stop
    yield* pass(2)
    return {
      ...run,
      journal: (yield* journal).slice(before),
      open: (yield* streams).filter(({ id }) => id.includes("one")).length
    } satisfies Met
  }).pipe(
    Effect.scoped,
    Effect.provide(Layer.provideMerge(
      client(maxTokens, rank),
      simulator({
        // Long enough for a proxy that holds all of it back to be noticed.
        interTokenMillis: fault.name === "proxy-buffering" ? 500 : 100,
        timeToFirstTokenMillis: 400,
        answers: { _tag: "LengthOnly", tokens: 120 },
        dataParallelSize: 2,
        faults: [faultOf(fault)]
      })
    ))
  )

const isFinal = ({ _tag }: Verdict) => _tag !== "Alive" && _tag !== "Slow"

describe("the watched engine", () => {
  for (const fault of catalogue) {
    const { kinds, slow, verdict } = fault.outcome
    it.effect(
      `${fault.name}: ${slow === null ? "" : `slow, then `}${verdict} ${kinds.join(" or ")}`,
      () =>
        Effect.gen(function*() {
          const { ended, journal, open, seconds, verdicts } = yield* outcomeOf(fault, fault.name === "drip" ? 30 : 500)
          const last = verdicts.at(-1)
          assert.strictEqual(last?._tag.toLowerCase(), verdict, JSON.stringify(verdicts))
          assert.lengthOf(verdicts.filter(isFinal), 1)
          const reasons: ReadonlyArray<string> = verdicts.flatMap((each) => each._tag === "Slow" ? [each.reason] : [])
          if (slow === "any") assert.isNotEmpty(reasons)
          // Token ids tell of the tokens that the parser holds back, so our client is not even in doubt.
          else if (fault.name === "buffered-tool-call") assert.isEmpty(reasons)
          else if (slow !== null) assert.include(reasons, slow, JSON.stringify(verdicts))
          const closes = journal.filter(({ event }) => event === "close-seen")
          if (last?._tag === "Completed") {
            assert.strictEqual(ended, "completed")
          } else if (last?._tag === "Stalled") {
            assert.include(kinds, last.kind)
            assert.strictEqual(last.confidence, "proved")
            assert.instanceOf(ended, Stalled)
            assert.deepInclude({ ...ended }, { ...last, _tag: "Stalled", hop: "engine" })
            // A hang is found in about a minute.
            if (last.kind !== "deferred-stuck") assert.isAtMost(seconds, 90)
            // Its server saw us close, if it is there to see anything.
            if (last.kind !== "engine-dead" && last.kind !== "engine-restarted") assert.lengthOf(closes, 1)
          } else if (last?._tag === "Failed") {
            assert.include(kinds, last.kind)
            assert.instanceOf(ended, Failed)
            assert.strictEqual(kindOf(ended), last.kind)
            assert.deepStrictEqual(ended.verdict, last)
          }
          if (fault.name !== "abort-ignored") assert.strictEqual(open, 0, JSON.stringify(journal.slice(-5)))
        }),
      60_000
    )
  }

  it.effect("a hang of another rank is none of ours", () =>
    Effect.gen(function*() {
      const fault = catalogue.find(({ name }) => name === "rank-hang")!
      const { ended } = yield* outcomeOf(fault, 500, 1)
      assert.strictEqual(ended, "completed")
    }), 60_000)
})
