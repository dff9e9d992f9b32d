/**
 * An engine that does one thing after another, and what its `/metrics` show of it at any moment: pure.
 *
 * A stretch of time has a kind, and each kind an effect: what the engine does in a second, and the gauges it shows. The
 * counters are integrals over the stretches, so that a scrape can be taken at any moment. A kind without gauges leaves
 * those of the stretch before it: vLLM writes gauges when a step returns, so on a hang they freeze (liveness model, 2.3).
 */
import type { EngineSample } from "../liveness/EngineSample.ts"
import { sample } from "./inputs.ts"

interface Gauges {
  readonly running: number
  readonly waiting: number
  readonly deferred?: number
}

export interface EngineEffect {
  /** Steps a second; each moves something in the metrics. */
  readonly steps: number
  /** Outputs after a first token, a second. */
  readonly decodes: number
  readonly firsts: number
  /** Requests that end, a second; none unless given. */
  readonly finishes?: number
  /** Unless given, they are what they were. */
  readonly gauges?: Gauges
  readonly asleep?: boolean
  /** Nobody listens at the address. */
  readonly refused?: boolean
  /** Another process, which begins to count anew. */
  readonly restarted?: boolean
}

/** What is counted beside the effects of the stretches. */
export interface Outputs {
  readonly decodes: number
  readonly firsts: number
}

const none: Outputs = { decodes: 0, firsts: 0 }

/** The engine at a moment, in milliseconds since the first stretch began; `own` is what it gave one request by then. */
export const engineAt = <Kind extends string>(
  effects: Record<Kind, EngineEffect>,
  stretches: ReadonlyArray<{ readonly kind: Kind; readonly millis: number }>,
  at: number,
  own: Outputs = none
): EngineSample | "refused" => {
  let from = 0
  let steps = own.decodes + own.firsts
  let decodes = 1e6 + own.decodes
  let firsts = 1e4 + own.firsts
  let finished = 5000
  let restarts = 0
  let gauges: Gauges = { running: 0, waiting: 0 }
  let now: EngineEffect | undefined
  for (const { kind, millis } of stretches) {
    if (from > at) break
    now = effects[kind]
    const seconds = Math.min(millis, at - from) / 1000
    if (now.restarted === true) {
      restarts++
      steps = 0
      decodes = 0
      firsts = 0
      finished = 0
    }
    steps += seconds * now.steps
    decodes += seconds * now.decodes
    firsts += seconds * now.firsts
    finished += seconds * (now.finishes ?? 0)
    gauges = now.gauges ?? gauges
    from += millis
  }
  if (now?.refused === true) return "refused"
  const counts = [steps, decodes, firsts, finished].map(Math.floor)
  return sample({
    // Gauges are series like the others.
    heartbeat: [restarts, ...counts, gauges.running, gauges.waiting, gauges.deferred ?? 0].join("/"),
    running: gauges.running,
    waiting: gauges.waiting,
    deferred: gauges.deferred ?? 0,
    generationTokens: counts[1]! + counts[2]!,
    promptTokens: counts[2]! * 100,
    decodeOutputs: counts[1]!,
    firstTokens: counts[2]!,
    finished: counts[3]!,
    asleep: now?.asleep === true,
    startedAtSeconds: 1000 + restarts
  })
}
