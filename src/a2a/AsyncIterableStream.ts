/**
 * A stream over a foreign async iterable that can be cut off while it waits (adapter).
 *
 * `Stream.fromAsyncIterable` cannot end a pending `next()`: interrupting it leaves the request behind it open. Here the
 * iterable is opened with an abort signal that fires when the stream ends, for whatever reason. Elements that arrive
 * together come as one chunk, and at most `READ_AHEAD` are read before the consumer takes them.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"

const READ_AHEAD = 512

export interface AsyncIterableOptions<A, B, E> {
  /** Called once per run of the stream, with the signal to pass on. */
  readonly open: (signal: AbortSignal) => AsyncIterable<A>
  /** The elements of the stream that one of the iterable stands for. */
  readonly expand: (element: A) => ReadonlyArray<B>
  /** Explains what `open` or the iterable throws. */
  readonly onError: (error: unknown) => E
}

export const fromAsyncIterable = <A, B, E>(options: AsyncIterableOptions<A, B, E>): Stream.Stream<B, E> =>
  Stream.unwrap(Effect.gen(function*() {
    const { expand, onError, open } = options
    const queue = yield* Queue.bounded<B, E | Cause.Done>(READ_AHEAD)
    const controller = yield* Effect.acquireRelease(
      Effect.sync(() => new AbortController()),
      (controller) => Effect.sync(() => controller.abort())
    )
    const read = Effect.gen(function*() {
      const iterator = yield* Effect.try({
        try: () => open(controller.signal)[Symbol.asyncIterator](),
        catch: onError
      })
      const next = Effect.tryPromise({ try: () => iterator.next(), catch: onError })
      while (true) {
        const result = yield* next
        if (result.done === true) return
        yield* Queue.offerAll(queue, expand(result.value))
      }
    })
    yield* Effect.forkScoped(Queue.into(read, queue))
    return Stream.fromQueue(queue)
  }))
