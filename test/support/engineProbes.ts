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

/** Milliseconds. What an engine must do in a test takes far less; what one never does takes so long. */
const patience = {
  askMillis: 1500,
  firstTokenMillis: 2000,
  silenceMillis: 800,
  answerMillis: 5000,
  finishMillis: 200,
  lookMillis: 50,
  settleMillis: 1500,
  abortMillis: 2000,
  wholeMillis: 20_000
}

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
  }).pipe(Effect.map(analyse), Effect.provide(PatientFetch.layer))

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

/** The findings of a report by their names. */
export const idsOf = ({ findings }: EngineReport): ReadonlyArray<string> => findings.map(({ id }) => id)
