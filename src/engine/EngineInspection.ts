/**
 * What an engine says of itself beside its answers: the models it serves and what stands behind them, when its process
 * began, and how long requests have waited in its queue.
 *
 * Nothing here fails: what cannot be asked, or is not told, is `undefined` or `null`.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { EngineOptions } from "./Engine.ts"
import * as MetricsScrape from "./MetricsScrape.ts"
import * as OpenAiChat from "./OpenAiChat.ts"
import { PatientFetch } from "./PatientFetch.ts"

export interface Inspected {
  readonly models: ReadonlyArray<OpenAiChat.ServedModel>
  /** Milliseconds since 1970. */
  readonly startedAtMillis: number | null
}

/** How long a list of models may take. */
const PATIENCE = "10 seconds"

export class EngineInspection extends Context.Service<EngineInspection, {
  readonly look: Effect.Effect<Inspected | undefined>
  readonly queueTimes: Effect.Effect<MetricsScrape.QueueTimes | undefined>
}>()("a2a-campaign/EngineInspection") {
  /** Over HTTP, with connections of its own. */
  static readonly layer = (
    options: Pick<EngineOptions, "baseUrl" | "apiKey">
  ): Layer.Layer<EngineInspection> =>
    Layer.effect(
      EngineInspection,
      Effect.map(PatientFetch, (connections) => {
        const metrics = MetricsScrape.make(connections.fetch, options)
        const models = OpenAiChat.models({ baseUrl: options.baseUrl, apiKey: options.apiKey, connections }).pipe(
          Effect.option,
          Effect.timeoutOption(PATIENCE),
          Effect.map(Option.flatten)
        )
        return EngineInspection.of({
          look: Effect.gen(function*() {
            const [served, sample] = yield* Effect.all([models, metrics.sample], { concurrency: "unbounded" })
            if (Option.isNone(served)) return undefined
            const seconds = typeof sample === "string" ? null : sample.startedAtSeconds
            return { models: served.value, startedAtMillis: seconds === null ? null : seconds * 1000 }
          }),
          queueTimes: metrics.queueTimes
        })
      })
    ).pipe(Layer.provide(PatientFetch.layer))
}
