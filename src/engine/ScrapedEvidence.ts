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
import type { Scrape } from "../liveness/LivenessInput.ts"
import { defaults } from "../liveness/LivenessLimits.ts"
import * as MetricsScrape from "./MetricsScrape.ts"
import { PatientFetch } from "./PatientFetch.ts"

export type { MetricsScrapeOptions } from "./MetricsScrape.ts"

/** Where the metrics are, and how often they are asked for. */
export interface ScrapedEvidenceOptions extends MetricsScrape.MetricsScrapeOptions {
  /** From the end of one scrape to the next, 5 seconds unless given. */
  readonly interval?: Duration.Input
  /** The same while a run is in doubt. */
  readonly suspectInterval?: Duration.Input
  /** Told of every scrape, too; must not throw. */
  readonly onScrape?: (scrape: Pick<Scrape, "at" | "outcome">) => void
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
      /** Since which scrape in a row the engine holds fewer requests than ours. */
      let missingSince: number | undefined
      /** So many scrapes in a row more were missing than had been silent since. */
      let tooFewSilent = 0
      let known: EndpointKnowledge = { binding: "unproven", longestStepMillis: 0 }

      const scrape = Effect.gen(function*() {
        const askedAt = now()
        const [outcome, status] = yield* Effect.all([sample, health], { concurrency: "unbounded" })
        const at = now()
        last = typeof outcome === "string" ? undefined : { at, running: outcome.running }
        options.onScrape?.({ at, outcome })
        const scraped: Scrape = { _tag: "Scrape", at, askedAt, outcome, openStreams: open.size, modelServed: null }
        const missing = missingIn(outcome, askedAt)
        for (const reader of readers) {
          if (status !== undefined) reader.tell({ _tag: "Health", at, status })
          reader.tell(
            open.has(reader) && missing !== undefined ? { ...scraped, isMissing: missing.has(reader) } : scraped
          )
        }
      })

      /**
       * The runs whose requests the engine must have lost, if it holds too few: those without a token since, where they
       * are as many as are missing. Where more are silent one of them may be alive, and the next scrapes tell more. Where
       * fewer are, and not just because one ends in this moment, some were lost later: the silence of all is counted anew.
       * `undefined`: none is missing.
       */
      const missingIn = (outcome: Scrape["outcome"], askedAt: number): ReadonlySet<EvidenceReader> | undefined => {
        const holds = typeof outcome === "string" ? undefined : held(outcome)
        const missing = holds === undefined ? 0 : open.size - holds
        if (missing <= 0) {
          // One that has not begun may stand in for one that is gone.
          if (readers.size === open.size) missingSince = undefined
          return undefined
        }
        const since = missingSince ??= askedAt
        const silent = Array.from(open).filter(({ lastTokenAt }) => (lastTokenAt?.() ?? -Infinity) < since)
        tooFewSilent = silent.length < missing ? tooFewSilent + 1 : 0
        if (tooFewSilent === 2) missingSince = askedAt
        return new Set(silent.length === missing ? silent : [])
      }

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
