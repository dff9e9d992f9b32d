/**
 * The watched engine client against every fault of the simulated engine: the verdict that the catalogue asks for, in
 * virtual time, over real sockets, with evidence scraped from the simulated /metrics.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Engine } from "../../src/engine/Engine.ts"
import * as ScrapedEvidence from "../../src/engine/ScrapedEvidence.ts"
import { ofTokenEvents } from "../../src/liveness/LivenessInput.ts"
import * as LivenessWatch from "../../src/liveness/LivenessWatch.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import type { Verdict } from "../../src/liveness/Verdict.ts"
import { catalogue } from "../../src/simulator/faults/FaultCatalogue.ts"
import type { FaultEntry } from "../../src/simulator/faults/FaultEntry.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { pass } from "../simulator/faults/virtualTime.ts"
import { simulator } from "../simulator/harness.ts"

interface Run {
  readonly verdicts: Array<Verdict>
  ended: unknown
  seconds: number
}

/** One answer, watched from the moment it is asked for. */
const watched = Effect.gen(function*() {
  const { url } = yield* Simulator
  const engine = yield* Engine
  const run: Run = { verdicts: [], ended: "not yet", seconds: 0 }
  const fiber = yield* engine.stream({ messages: [{ role: "user", content: "hi" }], requestId: "one" }).pipe(
    LivenessWatch.watch({
      run: { hop: "engine", attempt: 1, endpoint: url, model: "simulated-model" },
      inputsOf: ofTokenEvents,
      onVerdict: (verdict) => run.verdicts.push(verdict)
    }),
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
    Layer.mergeAll(
      Engine.layer({ baseUrl: `${url}/v1`, model: "simulated-model", maxTokens, dataParallelRank: rank }),
      ScrapedEvidence.layer({ baseUrl: `${url}/v1`, engine: String(rank) }),
      Ticker.layer()
    )))

const until = (run: Run, longest: number) =>
  Effect.gen(function*() {
    for (; run.seconds < longest && run.ended === "not yet"; run.seconds += 10) yield* pass(10)
  })

/** Faults of the server that no request begins happen when the second one comes. */
const faultOf = ({ example, name }: FaultEntry): string => {
  if (name === "mass-hang") return "mass-hang:streams=1,request=2"
  return (example.includes(";") ? example : name).split(";").map((fault) =>
    `${fault.trim()}${fault.includes(":") ? "," : ":"}request=2`
  ).join(";")
}

/** The second answer, which meets the fault; the first one proves that the metrics are the engine's. */
const outcomeOf = (fault: FaultEntry, maxTokens: number, rank = 0) =>
  Effect.gen(function*() {
    const healthy = yield* watched
    yield* until(healthy.run, 60)
    assert.strictEqual(healthy.run.ended, "completed")
    const { run, stop } = yield* watched
    yield* until(run, 1600)
    yield* stop
    return run
  }).pipe(
    Effect.scoped,
    Effect.provide(Layer.provideMerge(
      client(maxTokens, rank),
      simulator({
        interTokenMillis: 100,
        timeToFirstTokenMillis: 400,
        answers: { _tag: "LengthOnly", tokens: 120 },
        dataParallelSize: 2,
        faults: [faultOf(fault)]
      })
    ))
  )

const isFinal = ({ _tag }: Verdict) => _tag !== "Alive" && _tag !== "Slow"

/** They concern connections that are not made yet, and a limit on waiting for one, which is the engine client's. */
const aboutConnecting = new Set(["connection-refused", "server-silent", "headers-never"])

describe("the watched engine client", () => {
  for (const fault of catalogue.filter(({ name }) => !aboutConnecting.has(name))) {
    const { kinds, slow, verdict } = fault.outcome
    it.effect(
      `${fault.name}: ${slow === null ? "" : `slow, then `}${verdict} ${kinds.join(" or ")}`,
      () =>
        Effect.gen(function*() {
          const { ended, seconds, verdicts } = yield* outcomeOf(fault, fault.name === "drip" ? 30 : 500)
          const last = verdicts.at(-1)
          assert.strictEqual(last?._tag.toLowerCase(), verdict, JSON.stringify(verdicts))
          assert.lengthOf(verdicts.filter(isFinal), 1)
          if (verdict === "completed") assert.strictEqual(ended, "completed")
          if (last?._tag === "Stalled") {
            assert.include(kinds, last.kind)
            assert.strictEqual(last.confidence, "proved")
            // A hang is found in about a minute.
            if (last.kind !== "deferred-stuck") assert.isAtMost(seconds, 80)
          }
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
