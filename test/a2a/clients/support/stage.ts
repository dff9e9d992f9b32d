/** An agent that does what its message says, for clients that are tested on it. */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { ServeOptions } from "../../../../src/a2a/A2aServer.ts"
import { Status, type TaskEvent } from "../../../../src/a2a/TaskEvent.ts"
import { Delta, Finish, Usage } from "../../../../src/token/TokenEvent.ts"
import { agent, said } from "../../../support/agents.ts"

/**
 * "flow": what the test puts into `line`, until it ends it; "hang": begins and stays silent; "ask": asks back once;
 * "think": reasoning, an answer, a count and a finish; "refuse": fails. Anything else is said back, word by word.
 */
export const stage = Effect.fnUntraced(function*(options: Partial<ServeOptions> = {}) {
  const line = yield* Queue.unbounded<TaskEvent, Cause.Done>()
  const interrupted = yield* Deferred.make<void>()
  const { url } = yield* agent((request) => {
    switch (request.text) {
      case "flow":
        return Stream.fromQueue(line).pipe(
          Stream.onExit((exit) => exit._tag === "Failure" ? Deferred.succeed(interrupted, undefined) : Effect.void)
        )
      case "hang":
        return Stream.concat(
          Stream.make(said("begun")),
          Stream.fromEffectDrain(Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined)))
        )
      case "ask":
        return Stream.make(said("hm "), Status.make({ state: "input-required", text: "which?" }))
      case "think":
        return Stream.make<Array<TaskEvent>>(
          Delta.make({ channel: "reasoning", text: "well", tokens: 2 }),
          Delta.make({ channel: "content", text: "yes", tokens: 3 }),
          Finish.make({ reason: "stop" }),
          Usage.make({ promptTokens: 7, completionTokens: 5 })
        )
      case "refuse":
        return Stream.die("a bug")
      default:
        return Stream.fromIterable(`${request.continued ? "got " : ""}${request.text}`.split(/(?= )/).map(said))
    }
  }, options)
  return {
    url,
    line,
    say: (...texts: ReadonlyArray<string>) => Queue.offerAll(line, texts.map(said)),
    /** Makes the task of "flow" wait for its client. */
    asks: Effect.andThen(
      Queue.offer(line, Status.make({ state: "input-required", text: "which?" })),
      Queue.end(line)
    ),
    interrupted: Effect.timeout(Deferred.await(interrupted), "2 seconds")
  }
})
