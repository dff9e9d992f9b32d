/** What the tests of the tap share: a tap in front of a server, what it tells, and requests as agents send them. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import OpenAI from "openai"
import { PatientFetch } from "../../src/engine/PatientFetch.ts"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import { defaults, type LivenessLimits, withPatience } from "../../src/liveness/LivenessLimits.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { Tap } from "../../src/tap/Tap.ts"
import { TapClient } from "../../src/tap/TapClient.ts"
import type { TapEvent } from "../../src/tap/TapEvent.ts"

/** Everything that the tap of a test has told. */
export class Told extends Context.Service<Told, Array<TapEvent>>()("test/Told") {}

/** Limits within which a silent engine is given up soon, without evidence. */
export const impatient: LivenessLimits = {
  ...withPatience(defaults, 400),
  tickMillis: 20,
  heartbeatMillis: 100
}

export interface TapSettings {
  readonly limits?: LivenessLimits
  readonly policy?: "enforce" | "warn"
  readonly token?: Redacted.Redacted
  readonly host?: string
}

/** A tap in front of the server at this address. */
export const tapFor = (baseUrl: string, settings: TapSettings = {}) => {
  const { host = "127.0.0.1", limits = defaults, ...more } = settings
  return Layer.unwrap(
    Effect.map(Told, (told) =>
      Tap.layer({
        host,
        port: 0,
        baseUrl,
        limits,
        onEvent: (event) => told.push(event),
        ...more
      }))
  ).pipe(
    Layer.provide([
      PatientFetch.layer,
      EngineEvidence.layerNone,
      LimitLearner.layerMemory(),
      Ticker.layer(limits.tickMillis)
    ]),
    Layer.provideMerge(Layer.sync(Told, () => []))
  )
}

/** A simulator without jitter, a tap in front of it, and a runner's client. */
export const tappedSimulator = (
  simulated: Omit<Parameters<typeof Simulator.layer>[0], "host" | "port"> = {},
  settings: TapSettings = {}
) =>
  Layer.unwrap(Effect.map(Simulator, ({ url }) => tapFor(`${url}/v1`, settings))).pipe(
    Layer.provideMerge(Simulator.layer({
      host: "127.0.0.1",
      port: 0,
      jitterCoefficient: 0,
      timeToFirstTokenMillis: 5,
      interTokenMillis: 2,
      ...simulated
    })),
    Layer.merge(TapClient.layer)
  )

/** The SDK as an agent has it, at a base URL; its own retries are on unless told otherwise. */
export const agentAt = (baseURL: string, options: object = {}) =>
  new OpenAI({ baseURL, apiKey: "sk-very-secret", ...options })

export const ask = (content: string, settings: object = {}) => ({
  model: "simulated-model",
  messages: [{ role: "user" as const, content }],
  ...settings
})

export const json = (url: string, init: RequestInit = {}): Effect.Effect<any> =>
  Effect.promise(async (signal) => (await fetch(url, { signal, ...init })).json())

/** An answer with what nobody can expect to be the same taken out. */
export const comparable = (answer: object) => ({ ...answer, created: 0, id: "" })
