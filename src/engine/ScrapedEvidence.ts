/**
 * Evidence of an engine from its `/metrics` and `/health`: one scrape per interval for all runs at the endpoint, and
 * sooner while any of them is in doubt.
 *
 * Laws: nothing here ever fails a run. While there is no run nothing is asked. What runs find out about the binding is
 * kept for the next ones: what one has refuted no other proves, only a canary does (`learn`).
 *
 * Gotcha: with several engines behind the address a run must know which is its own (`engine`), else there is no evidence.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import { type EndpointKnowledge, EngineEvidence, type EvidenceReader } from "../liveness/EngineEvidence.ts"
import { held } from "../liveness/EngineSample.ts"
import type { Health, Scrape } from "../liveness/LivenessInput.ts"
import { defaults } from "../liveness/LivenessLimits.ts"
import * as MetricsScrape from "./MetricsScrape.ts"
import { PatientFetch } from "./PatientFetch.ts"

export interface ScrapedEvidenceOptions extends MetricsScrape.MetricsScrapeOptions {
  readonly interval?: Duration.Input
  /** The same while a run is in doubt. */
  readonly suspectInterval?: Duration.Input
}

/** Asks for metrics and health while anybody listens. */
export const layerNoDeps = (options: ScrapedEvidenceOptions): Layer.Layer<EngineEvidence, never, PatientFetch> =>
  Layer.effect(
    EngineEvidence,
    Effect.gen(function*() {
      const { fetch } = yield* PatientFetch
      const clock = yield* Clock.Clock
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      const { health, sample } = MetricsScrape.make(fetch, options)
      const readers = new Set<EvidenceReader>()
      const open = new Set<EvidenceReader>()
      const busy = Latch.makeUnsafe()
      let last: { readonly at: number; readonly running: number | null } | undefined
      let known: EndpointKnowledge = { binding: "unproven", longestStepMillis: 0 }

      const scrape = Effect.gen(function*() {
        const askedAt = now()
        const [outcome, status] = yield* Effect.all([sample, health], { concurrency: "unbounded" })
        const at = now()
        last = typeof outcome === "string" ? undefined : { at, running: outcome.running }
        const told: ReadonlyArray<Scrape | Health> = [
          ...status === undefined ? [] : [{ _tag: "Health", at, status } as const],
          { _tag: "Scrape", at, askedAt, outcome, openStreams: open.size, modelServed: null }
        ]
        for (const reader of readers) for (const input of told) reader.tell(input)
      })

      const wait = Effect.suspend(() =>
        Effect.sleep(
          Array.from(readers).some((reader) => reader.isSuspect())
            ? options.suspectInterval ?? "2 seconds"
            : options.interval ?? "5 seconds"
        )
      )

      yield* Effect.forkScoped(Effect.forever(Effect.andThen(busy.await, Effect.andThen(scrape, wait))))

      const listen = (reader: EvidenceReader) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            readers.add(reader)
            busy.openUnsafe()
          }),
          () =>
            Effect.sync(() => {
              readers.delete(reader)
              open.delete(reader)
              if (readers.size === 0) busy.closeUnsafe()
            })
        )

      /** From when it is asked, so a scrape that was under way says nothing. */
      const dropped = Effect.suspend(() => {
        const since = now()
        const gone = Deferred.makeUnsafe<void>()
        return Effect.scoped(Effect.andThen(
          listen({
            isSuspect: () => true,
            tell: (input) => {
              if (input._tag !== "Scrape" || typeof input.outcome === "string" || input.askedAt < since) return
              const holds = held(input.outcome)
              if (holds !== undefined && holds <= open.size) Deferred.doneUnsafe(gone, Exit.void)
            }
          }),
          Deferred.await(gone)
        ))
      })

      const remember = (binding: EndpointKnowledge["binding"], longestStepMillis: number) => {
        known = { binding, longestStepMillis: Math.max(known.longestStepMillis, longestStepMillis) }
      }

      return EngineEvidence.of({
        // Nobody asks while there is no run, so what was seen before the last pause says nothing of now.
        running: Effect.sync(() =>
          last === undefined || now() - last.at > defaults.evidenceFreshMillis ? null : last.running
        ),
        learn: ({ binding, longestStepMillis }) =>
          Effect.sync(() => remember(binding === "unproven" ? known.binding : binding, longestStepMillis)),
        follow: (reader) =>
          Effect.map(listen(reader), () => {
            const atFirst = known
            return {
              known,
              dropped,
              begun: () => {
                open.add(reader)
              },
              ended: ({ binding, longestStepMillis }) => {
                open.delete(reader)
                // A run that was told of a refutation has found nothing out; meanwhile it may have been taken back.
                const isNews = binding !== "unproven" && binding !== atFirst.binding && known.binding !== "refuted"
                remember(isNews ? binding : known.binding, longestStepMillis)
              }
            }
          })
      })
    })
  )

/** The same, with connections of its own. */
export const layer = (options: ScrapedEvidenceOptions): Layer.Layer<EngineEvidence> =>
  layerNoDeps(options).pipe(Layer.provide(PatientFetch.layer))
