/**
 * Second evidence: what the engine's own metrics and health say, told to every run that it serves.
 *
 * One source per endpoint; all runs at it share its scrapes. A run follows the source from when it is sent until it has
 * ended: it is told `Scrape` and `Health` inputs as they come, and says itself when it has begun (the engine then holds
 * it) and, at its end, what it has found out about the endpoint, so that the next run need not prove it again.
 *
 * `layerNone` is the source that says nothing; the reducer then acts as without evidence.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { BindingStatus } from "./Binding.ts"
import type { Health, Scrape } from "./LivenessInput.ts"

/** A run, as the source sees it. */
export interface EvidenceReader {
  /** Synchronous; called in the fiber that scrapes. */
  readonly tell: (input: Scrape | Health) => void
  /** Whether it is in doubt, so that the next scrape should come soon. */
  readonly isSuspect: () => boolean
  /** When its last token came, in milliseconds of the monotonic clock; never heard of unless it says. */
  readonly lastTokenAt?: () => number
}

/** What the source knows of its endpoint from earlier runs. */
export interface EndpointKnowledge {
  readonly binding: BindingStatus
  /** Milliseconds. */
  readonly longestStepMillis: number
}

export interface EvidenceLink {
  readonly known: EndpointKnowledge
  /** The engine holds the request from now on. */
  readonly begun: () => void
  /** The run has ended, in whatever way. */
  readonly ended: (found: EndpointKnowledge) => void
  /** Waits until the engine holds no more requests than our others: that of the run that has ended is gone from it. */
  readonly dropped: Effect.Effect<void>
}

const nothing: EvidenceLink = {
  known: { binding: "unproven", longestStepMillis: 0 },
  begun: () => {},
  ended: () => {},
  dropped: Effect.never
}

/**
 * Where runs hear what the engine's own metrics say. `layerNone` says nothing; `ScrapedEvidence` asks a vLLM server. Whoever
 * has another source (a metrics pipeline, an operator) gives this service a layer of their own.
 */
export class EngineEvidence extends Context.Service<EngineEvidence, {
  /** Tells the reader everything from now on, until the scope closes. */
  readonly follow: (reader: EvidenceReader) => Effect.Effect<EvidenceLink, never, Scope.Scope>
  /** Requests that the engine runs, by its last scrape; `null` where that is not known. */
  readonly running: Effect.Effect<number | null>
  /** What a canary has found out, for the runs to come: a binding that it proves stands, even where one was refuted. */
  readonly learn: (knowledge: EndpointKnowledge) => Effect.Effect<void>
}>()("a2a-campaign/EngineEvidence") {
  /** There is no evidence. */
  static readonly none = EngineEvidence.of({
    follow: () => Effect.succeed(nothing),
    running: Effect.succeed(null),
    learn: () => Effect.void
  })

  /** There is no evidence: runs are judged by their silence alone. */
  static readonly layerNone: Layer.Layer<EngineEvidence> = Layer.succeed(EngineEvidence, EngineEvidence.none)
}
