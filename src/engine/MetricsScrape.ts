/**
 * One look at an engine's `/metrics` and `/health`, beside the `/v1` of its address.
 *
 * Laws: nothing here ever fails. What cannot be read, comes too late or is too long is `failed`; only a refused
 * connection is `refused`. No body is read longer than it may be, and none is left open.
 *
 * Gotcha: with several engines behind the address the label of the right one must be known, else there is no sample.
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { isHeartbeat, sampleOf } from "../liveness/EngineMetrics.ts"
import type { Scrape } from "../liveness/LivenessInput.ts"
import * as EngineFailure from "./EngineFailure.ts"
import * as MetricsText from "./MetricsText.ts"

/** Which engine's metrics are read. */
export interface MetricsScrapeOptions {
  /** The address of the OpenAI-compatible API, with its `/v1`; metrics and health stand beside it. */
  readonly baseUrl: string
  /** The `engine` label of the engine that serves us; needed where there are several. */
  readonly engine?: string
  /** How long an answer may take. */
  readonly patience?: Duration.Input
}

export interface MetricsScrape {
  readonly sample: Effect.Effect<Scrape["outcome"]>
  /** The status of `/health`; `undefined` where there is no answer. */
  readonly health: Effect.Effect<number | undefined>
  /** Of all engines behind the address; `undefined` where it does not tell. */
  readonly queueTimes: Effect.Effect<QueueTimes | undefined>
}

/** Requests that have left the queue since the server began, and how long they had waited in it together. */
export interface QueueTimes {
  /** How many have left the queue. */
  readonly requests: number
  /** How long they waited in all. */
  readonly seconds: number
}

const QUEUE_COUNT = "vllm:request_queue_time_seconds_count"
const QUEUE_SUM = "vllm:request_queue_time_seconds_sum"

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

export const make = (fetch: typeof globalThis.fetch, options: MetricsScrapeOptions): MetricsScrape => {
  const root = options.baseUrl.replace(/\/v1\/*$/, "").replace(/\/+$/, "")
  const patience = options.patience ?? "4 seconds"

  const get = (path: string) =>
    Effect.tryPromise({
      try: (signal) => fetch(root + path, { signal }),
      catch: (error) =>
        new NoSample({
          outcome: EngineFailure.fromTransport(root, error)._tag === "ConnectError" ? "refused" : "failed"
        })
    })

  const metrics = get("/metrics").pipe(
    Effect.flatMap((response) =>
      response.status === 200 ? textOf(response) : Effect.andThen(discard(response), Effect.fail(failed))
    )
  )

  const sample: Effect.Effect<Scrape["outcome"]> = metrics.pipe(
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

  const queueTimes: Effect.Effect<QueueTimes | undefined> = metrics.pipe(
    Effect.map((text) => {
      const series = MetricsText.parse(text, (name) => name === QUEUE_COUNT || name === QUEUE_SUM)
      const samples = Result.isSuccess(series) ? series.success : []
      const sumOf = (wanted: string) => samples.reduce((sum, { name, value }) => name === wanted ? sum + value : sum, 0)
      return samples.length === 0 ? undefined : { requests: sumOf(QUEUE_COUNT), seconds: sumOf(QUEUE_SUM) }
    }),
    Effect.timeoutOption(patience),
    Effect.map(Option.getOrUndefined),
    Effect.catch(() => Effect.succeed(undefined))
  )

  return { sample, health, queueTimes }
}
