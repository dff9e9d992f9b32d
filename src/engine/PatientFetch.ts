/**
 * Requests that wait as long as the other side needs (adapter for undici).
 *
 * Node's own fetch ends a request after 300 s without headers or without body bytes, and an engine that queues or
 * prefills for six minutes is merely slow. Here both limits are off; only connecting is limited. Liveness is decided
 * by our own guards, which know tokens.
 *
 * Gotcha: `fetch` and `Agent` must come from the same undici; Node's own fetch refuses an Agent of the npm package.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as undici from "undici"

/** How long a TCP connection may take to be made, in milliseconds. */
export const CONNECT_TIMEOUT_MILLIS = 10_000

/** An agent that waits for answers as long as they take, and whose connections are made as given. */
export const patientAgent = (connect: NonNullable<undici.Agent.Options["connect"]>): undici.Agent =>
  new undici.Agent({ bodyTimeout: 0, headersTimeout: 0, connect })

/** A `fetch` over an agent's connections. The types of undici's Request and Response are the DOM's in all used here. */
export const fetchThrough = (dispatcher: undici.Agent): typeof globalThis.fetch =>
  ((input: string, init: undici.RequestInit) =>
    undici.fetch(input, { ...init, dispatcher })) as unknown as typeof globalThis.fetch

/** Connections to engines, on which silence is never cut off: Node's own `fetch` ends a silent body after 300 s. */
export class PatientFetch extends Context.Service<PatientFetch, {
  /** As the platform's `fetch`, over these connections. */
  readonly fetch: typeof globalThis.fetch
  /** The same connections without the streams of `fetch`, which cost more than all else that is done for a token. */
  readonly dispatcher: Pick<undici.Dispatcher, "dispatch">
}>()("a2a-campaign/PatientFetch") {
  /** Closes every connection it opened when its scope ends. */
  static readonly layer = Layer.effect(
    PatientFetch,
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => patientAgent({ timeout: CONNECT_TIMEOUT_MILLIS })),
        (agent) => Effect.promise(() => agent.destroy())
      ),
      (dispatcher) => PatientFetch.of({ fetch: fetchThrough(dispatcher), dispatcher })
    )
  )
}
