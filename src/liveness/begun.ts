/**
 * A stream, when its first chunk is there: for whoever tries again as long as nothing was handed on.
 *
 * A stream that has begun cannot be begun again without showing tokens twice, and `Stream.retry` does just that, and its
 * schedule begins anew with each element. So the beginning is made an effect, which `Effect.retry` can repeat.
 *
 * Laws: the stream that comes out is the one that went in, in its chunks; a beginning that fails is closed before it fails;
 * nothing is read ahead but the first chunk. Whatever is open is closed with the scope.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/**
 * Waits for the first chunk, and gives the whole stream. Fails as the stream does before its first element.
 *
 * @example
 * import * as Liveness from "a2a-campaign/Liveness"
 * import * as Effect from "effect/Effect"
 * import * as Schedule from "effect/Schedule"
 * import * as Stream from "effect/Stream"
 *
 * let attempts = 0
 * const words = Stream.suspend(() => ++attempts < 3 ? Stream.fail("not yet") : Stream.make("Hello", "world"))
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const stream = yield* Effect.retry(Liveness.begun(words), Schedule.recurs(5))
 *   console.log(attempts, (yield* Stream.runCollect(stream)).join(" "))
 * }))
 *
 * await Effect.runPromise(program)
 *
 * // prints: 3 Hello world
 */
export const begun = <A, E, R>(
  self: Stream.Stream<A, E, R>
): Effect.Effect<Stream.Stream<A, E>, E, R | Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const scope = yield* Scope.fork(yield* Effect.scope)
      const opened = Effect.gen(function*() {
        const pull = yield* Scope.provide(Stream.toPull(self), scope)
        const first = yield* Effect.catchIf(pull, Cause.isDone, () => Effect.succeed(undefined))
        return first === undefined
          ? Stream.empty
          : Stream.concat(Stream.fromArray(first), Stream.fromPull(Effect.succeed(pull)))
      })
      return yield* Effect.onExit(
        restore(opened),
        (exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit)
      )
    })
  ) as Effect.Effect<Stream.Stream<A, E>, E, R | Scope.Scope>
