/**
 * Guards a token stream of your own: it fails with your error when no token comes for 90 seconds.
 *
 *     node --conditions=a2a-campaign-source examples/guardedStream.ts
 */
import * as Liveness from "a2a-campaign/Liveness"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"

class TokensStalled extends Schema.TaggedError<TokensStalled>()("TokensStalled", { afterSeconds: Schema.Int }) {}

/** Three tokens, and then nothing more. */
const tokens = Stream.concat(Stream.make("Slow", " but", " alive"), Stream.never)

const program = tokens.pipe(
  Liveness.timeoutFail(() => new TokensStalled({ afterSeconds: 90 }), "90 seconds"),
  Stream.runForEach((token) => Console.log(`token:${token}`)),
  Effect.catchTag("TokensStalled", ({ afterSeconds }) => Console.log(`no token for ${afterSeconds} seconds`))
)

// Under the test clock the 90 seconds pass at once; leave these lines out to wait for them.
const withoutWaiting = Effect.gen(function*() {
  const fiber = yield* Effect.forkChild(program, { startImmediately: true })
  yield* TestClock.adjust("90 seconds")
  yield* Fiber.join(fiber)
}).pipe(Effect.provide(TestClock.layer()))

await Effect.runPromise(withoutWaiting)
