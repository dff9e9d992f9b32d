/**
 * Evidence of an engine from its `/metrics` and `/health`: one scrape per interval for all runs at the endpoint, and
 * sooner while any of them is in doubt.
 *
 * Laws: nothing here ever fails a run. What cannot be read, comes too late or is too long is told as `failed`; only a
 * refused connection is told as `refused`. While there is no run nothing is asked. What runs find out about the binding
 * is kept for the next ones: once refuted, refuted.
 *
 * Gotcha: with several engines behind the address a run must know which is its own (`engine`), else there is no evidence.
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { type EndpointKnowledge, EngineEvidence, type EvidenceReader } from "../liveness/EngineEvidence.ts"
import { isHeartbeat, sampleOf } from "../liveness/EngineMetrics.ts"
import { held } from "../liveness/EngineSample.ts"
import type { Health, Scrape } from "../liveness/LivenessInput.ts"
import { defaults } from "../liveness/LivenessLimits.ts"
import * as EngineFailure from "./EngineFailure.ts"
import * as MetricsText from "./MetricsText.ts"
import { PatientFetch } from "./PatientFetch.ts"

export interface ScrapedEvidenceOptions {
  /** The address of the OpenAI-compatible API, with its `/v1`; metrics and health stand beside it. */
  readonly baseUrl: string
  /** The `engine` label of the engine that serves us; needed where there are several. */
  readonly engine?: string
  readonly interval?: Duration.Input
  /** The same while a run is in doubt. */
  readonly suspectInterval?: Duration.Input
  /** How long an answer may take. */
  readonly patience?: Duration.Input
}

/** An engine's own series are some hundred kilobytes; whoever sends more sends something else. */
const MOST_BYTES = 32_000_000

const isWanted = (name: string) =>
  isHeartbeat(name) || name === "process_start_time_seconds" || name === "vllm:engine_sleep_state"

/** Why there is no sample. */
class NoSample extends Data.TaggedError("NoSample")<{ readonly outcome: "refused" | "failed" }> {}

const failed = new NoSample({ outcome: "failed" })

/** The text of a body, to its end or to the most bytes. */
const textOf = (response: Response): Effect.Effect<string, NoSample> => {
  if (response.body === null) return Effect.succeed("")
  const decoder = new TextDecoder()
  const body = response.body as ReadableStream<Uint8Array>
  return Stream.fromReadableStream({ evaluate: () => body, onError: () => failed }).pipe(
    Stream.runFoldEffect(() => ({ text: "", bytes: 0 }), ({ bytes, text }, chunk) =>
      bytes + chunk.length > MOST_BYTES
        ? Effect.fail(failed)
        : Effect.succeed({ text: text + decoder.decode(chunk, { stream: true }), bytes: bytes + chunk.length })),
    Effect.map(({ text }) => text)
  )
}

/** Lets go of a body that nobody reads, and so of its connection; one that has broken already is gone anyway. */
const discard = ({ body }: Response): Effect.Effect<void> =>
  body === null ? Effect.void : Effect.ignore(Effect.tryPromise(() => body.cancel()))

/** Asks for metrics and health while anybody listens. */
const layerNoDeps = (options: ScrapedEvidenceOptions): Layer.Layer<EngineEvidence, never, PatientFetch> =>
  Layer.effect(
    EngineEvidence,
    Effect.gen(function*() {
      const { fetch } = yield* PatientFetch
      const clock = yield* Clock.Clock
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      const root = options.baseUrl.replace(/\/v1\/*$/, "").replace(/\/+$/, "")
      const patience = options.patience ?? "4 seconds"
      const readers = new Set<EvidenceReader>()
      const open = new Set<EvidenceReader>()
      const busy = Latch.makeUnsafe()
      let last: { readonly at: number; readonly running: number | null } | undefined
      let known: EndpointKnowledge = { binding: "unproven", longestStepMillis: 0 }

      const get = (path: string) =>
        Effect.tryPromise({
          try: (signal) => fetch(root + path, { signal }),
          catch: (error) =>
            new NoSample({
              outcome: EngineFailure.fromTransport(root, error)._tag === "ConnectError" ? "refused" : "failed"
            })
        })

      const sample: Effect.Effect<Scrape["outcome"]> = get("/metrics").pipe(
        Effect.flatMap((response) =>
          response.status === 200 ? textOf(response) : Effect.andThen(discard(response), Effect.fail(failed))
        ),
        Effect.map((text): Scrape["outcome"] => {
          const series = MetricsText.parse(text, isWanted)
          return (Result.isSuccess(series) ? sampleOf(series.success, options.engine) : undefined) ?? "failed"
        }),
        Effect.catch(({ outcome }) => Effect.succeed<Scrape["outcome"]>(outcome)),
        Effect.timeoutOption(patience),
        Effect.map(Option.getOrElse(() => "failed" as const))
      )

      const health: Effect.Effect<number | undefined> = get("/health").pipe(
        Effect.flatMap((response) => Effect.as(discard(response), response.status)),
        Effect.catch(() => Effect.succeed(undefined)),
        Effect.timeoutOption(patience),
        Effect.map(Option.getOrUndefined)
      )

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

      return EngineEvidence.of({
        // Nobody asks while there is no run, so what was seen before the last pause says nothing of now.
        running: Effect.sync(() =>
          last === undefined || now() - last.at > defaults.evidenceFreshMillis ? null : last.running
        ),
        follow: (reader) =>
          Effect.as(
            listen(reader),
            {
              known,
              dropped,
              begun: () => {
                open.add(reader)
              },
              ended: (found) => {
                open.delete(reader)
                known = {
                  binding: known.binding === "refuted" || found.binding === "unproven" ? known.binding : found.binding,
                  longestStepMillis: Math.max(known.longestStepMillis, found.longestStepMillis)
                }
              }
            }
          )
      })
    })
  )

/** The same, with connections of its own. */
export const layer = (options: ScrapedEvidenceOptions): Layer.Layer<EngineEvidence> =>
  layerNoDeps(options).pipe(Layer.provide(PatientFetch.layer))
