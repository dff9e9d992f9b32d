/** Probes of engines over real sockets, as short as they can be and still see everything. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { PatientFetch } from "../../src/engine/PatientFetch.ts"
import { analyse } from "../../src/probe/EngineAnalysis.ts"
import { type EngineProbeOptions, measure } from "../../src/probe/EngineProbe.ts"
import type { EngineReport } from "../../src/probe/EngineReport.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"

/** Milliseconds. A machine may be busy; only what an engine never does takes so long. */
const patience = {
  askMillis: 10_000,
  firstTokenMillis: 20_000,
  silenceMillis: 20_000,
  answerMillis: 20_000,
  finishMillis: 200,
  lookMillis: 50,
  settleMillis: 1500,
  abortMillis: 10_000,
  wholeMillis: 60_000
}

/** For an engine that is expected to keep somebody waiting. */
export const impatient = { askMillis: 700, firstTokenMillis: 1500, silenceMillis: 800, abortMillis: 1500 }

/** Tries beyond the first, each with a server of its own. */
const MOST_TRIES = 4

/** The same, tried again if this process stood still meanwhile: what it did not see proves nothing of the engine. */
export const undisturbed = (probe: Effect.Effect<EngineReport>): Effect.Effect<EngineReport> =>
  Effect.repeat(probe, { until: (report) => !idsOf(report).includes("own-pause"), times: MOST_TRIES })

/** The report on an engine, by the API's address. */
export const probed = (
  url: string,
  options: Partial<Omit<EngineProbeOptions, "url" | "apiKey">> & { readonly key?: string } = {}
): Effect.Effect<EngineReport> =>
  measure({
    url,
    apiKey: options.key === undefined ? undefined : Redacted.make(options.key),
    model: options.model,
    patience: { ...patience, ...options.patience }
  }).pipe(
    Effect.map(analyse),
    Effect.provide(PatientFetch.layer)
  )

/** The findings of a report by their names. */
export const idsOf = ({ findings }: EngineReport): ReadonlyArray<string> => findings.map(({ id }) => id)

/** The report on a simulated engine. */
export const probedSimulator = (
  simulated: Partial<Parameters<typeof Simulator.layer>[0]> = {},
  options: Parameters<typeof probed>[1] = {}
): Effect.Effect<EngineReport> =>
  Effect.scoped(Effect.gen(function*() {
    const simulator = yield* Layer.build(Simulator.layer({
      host: "127.0.0.1",
      port: 0,
      timeToFirstTokenMillis: 60,
      interTokenMillis: 8,
      latencyDistribution: { _tag: "Constant" },
      answers: { _tag: "LengthOnly", tokens: 2000 },
      ...simulated
    }))
    return yield* probed(`${Context.get(simulator, Simulator).url}/v1`, options)
  })).pipe(Effect.orDie)
