/**
 * The breaker of every agent: an agent that is gone is waited for, and one that fails again and again is left alone.
 *
 * It is a gate (EngineGate.ts) whose endpoint is an agent's name, whose canary is the agent's card, and for which only what
 * the agent itself did counts: nobody there at once, anything else after several failures in a row. What its engine did is
 * the engine's gate's; a busy agent (429, 503) is waited for by the retry policy alone.
 *
 * Gotcha: report `completed` and errors, not `began`: an agent may begin every time and fail every time.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Canary } from "./Canary.ts"
import * as EngineGate from "./EngineGate.ts"
import { retryKindOf } from "./RetryTable.ts"
import type { RunError } from "./RunError.ts"

/** When an agent is left alone. */
export interface AgentBreakerOptions {
  /** Failures in a row that shut it. */
  readonly failures: number
}

/** A card costs little, and an agent that is started again is back within seconds. */
const cardLimits = { canaryFirstMillis: 2000, canaryMostMillis: 60_000 }

/** What an error says of the agent. */
const weighWith = (failures: number) => (error: RunError): "no" | "yes" | number => {
  if (error.hop !== "purple" || error._tag === "Slow") return "no"
  switch (retryKindOf(error)) {
    case "connect-error":
      return "yes"
    case "rate-limited":
    case "unavailable":
      return "no"
    default:
      return failures
  }
}

/** The breaker of every agent: a gate by the agent's name. */
export class AgentBreaker extends Context.Service<AgentBreaker, EngineGate.EngineGate["Service"]>()(
  "a2a-campaign/AgentBreaker"
) {
  /** With the canary of the agents: it is asked with an agent's name. */
  static readonly layer = ({ failures }: AgentBreakerOptions): Layer.Layer<AgentBreaker, never, Canary> =>
    Layer.effect(AgentBreaker, EngineGate.make({ ...cardLimits, weigh: weighWith(failures) }))

  /** Nobody is ever kept from playing. */
  static readonly layerNone: Layer.Layer<AgentBreaker> = Layer.effect(
    AgentBreaker,
    Effect.map(EngineGate.EngineGate, (gate) => gate)
  ).pipe(Layer.provide(EngineGate.EngineGate.layerNone))
}
