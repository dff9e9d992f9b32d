/**
 * What `Liveness.watch` costs per token: a stream of token events through it, and the same stream bare.
 *
 * Two sources. "ready": every pull settles at once, so all there is to pay is the operator. "waiting": a queue that
 * another fiber feeds one chunk at a time, so that every pull waits, as it does on a socket; the queue and the change of
 * fibers are in both numbers. Bare and watched alternate in one process; numbers are medians over the rounds, of
 * processor time, because others may use the processors too.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import { ofTokenEvents } from "../../src/liveness/LivenessInput.ts"
import { watch } from "../../src/liveness/LivenessWatch.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { Delta, type TokenEvent } from "../../src/token/TokenEvent.ts"
import { median } from "../support/statistics.ts"

const sources = ["ready", "waiting"] as const

export interface CostCell {
  readonly source: typeof sources[number]
  readonly tokensPerChunk: number
  readonly rounds: number
  readonly bareNanosPerToken: number
  readonly watchedNanosPerToken: number
  /** The median of the differences, round by round. */
  readonly differenceMicrosPerToken: number
  readonly ratio: number
}

/** Chunks of one round, by the tokens in each. */
const shapes = [{ tokensPerChunk: 1, chunks: 40_000 }, { tokensPerChunk: 64, chunks: 20_000 }] as const
const WARM_UP_ROUNDS = 2

type Chunk = readonly [TokenEvent, ...ReadonlyArray<TokenEvent>]
type Tokens = Stream.Stream<TokenEvent>

const ready = (chunk: Chunk, chunks: number): Effect.Effect<Tokens> =>
  Effect.succeed(Stream.fromPull(Effect.sync(() => {
    let left = chunks
    return Effect.suspend(() => left-- > 0 ? Effect.succeed(chunk) : Cause.done())
  })))

const waiting = (chunk: Chunk, chunks: number): Effect.Effect<Tokens> =>
  Effect.gen(function*() {
    const queue = yield* Queue.make<TokenEvent, Cause.Done>()
    yield* Effect.forkChild(Effect.gen(function*() {
      for (let sent = 0; sent < chunks; sent++) {
        yield* Queue.offerAll(queue, chunk)
        // Until the reader has taken it and waits for more.
        while (Queue.sizeUnsafe(queue) > 0) yield* Effect.yieldNow
        yield* Effect.yieldNow
      }
      yield* Queue.end(queue)
    }))
    return Stream.fromQueue(queue)
  })

const makers = { ready, waiting }

const watched = watch({
  run: { hop: "engine", attempt: 1, endpoint: "http://engine/v1", model: "m" },
  inputsOf: ofTokenEvents
})

const processorNanos = Effect.sync(() => {
  const { system, user } = process.cpuUsage()
  return (user + system) * 1000
})

/** Processor time to read a stream to its end, chunk by chunk, in nanoseconds. */
const time = Effect.fnUntraced(function*<E, R>(make: Effect.Effect<Stream.Stream<TokenEvent, E, R>>, chunks: number) {
  const stream = yield* make
  const startedAt = yield* processorNanos
  let seen = 0
  yield* Stream.runForEachArray(stream, () => {
    seen++
    return Effect.void
  })
  const nanos = (yield* processorNanos) - startedAt
  if (seen !== chunks) return yield* Effect.die(`${seen} chunks came instead of ${chunks}`)
  return nanos
})

/** All cells, after each other. */
export const measureCost = Effect.fnUntraced(function*(rounds: number) {
  const cells: Array<CostCell> = []
  for (const source of sources) {
    for (const { chunks, tokensPerChunk } of shapes) {
      const event = Delta.make({ channel: "content", text: " token", tokens: 1 })
      const make = makers[source]([event, ...Array.from({ length: tokensPerChunk - 1 }, () => event)], chunks)
      const tokens = chunks * tokensPerChunk
      const times: Array<{ readonly bare: number; readonly watched: number }> = []
      for (let round = 0; round < WARM_UP_ROUNDS + rounds; round++) {
        const bare = yield* time(make, chunks)
        times.push({ bare: bare / tokens, watched: (yield* time(Effect.map(make, watched), chunks)) / tokens })
      }
      const counted = times.slice(WARM_UP_ROUNDS)
      const bareNanosPerToken = median(counted.map(({ bare }) => bare))
      const watchedNanosPerToken = median(counted.map(({ watched }) => watched))
      cells.push({
        source,
        tokensPerChunk,
        rounds,
        bareNanosPerToken,
        watchedNanosPerToken,
        differenceMicrosPerToken: median(counted.map(({ bare, watched }) => watched - bare)) / 1000,
        ratio: watchedNanosPerToken / bareNanosPerToken
      })
    }
  }
  return cells
}, Effect.provide(Layer.mergeAll(EngineEvidence.layerNone, Ticker.layer())))
