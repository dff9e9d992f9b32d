/**
 * vLLM's development endpoints that put the engine to sleep and wake it: /sleep, /wake_up, /is_sleeping.
 *
 * `POST /sleep?level=1|2&mode=abort|wait|keep` (level 1 and mode abort unless given) answers when the engine stands: with
 * mode wait only when nothing runs any more. Requests that come while it sleeps get their headers and wait in the queue.
 * The HTTP side stays awake, so /health and keep-alive comments go on: a legitimate long silence with mode keep.
 *
 * Gotcha: the level changes nothing here (there are no weights to throw away); it is kept for who asks. Tags of
 * /wake_up are ignored: everything wakes.
 */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type { EngineLoop, PauseMode } from "./EngineLoop.ts"
import { badRequest } from "./GenerationRequest.ts"

const modes: ReadonlyArray<string> = ["abort", "wait", "keep"] satisfies ReadonlyArray<PauseMode>
const isMode = (mode: string): mode is PauseMode => modes.includes(mode)

const { jsonUnsafe } = HttpServerResponse

/** The three routes for one engine. */
export const make = (engine: EngineLoop) => {
  let level: number | undefined
  // A sleep that was still waiting when somebody woke the engine, or sent it to sleep otherwise, must not count.
  let changes = 0

  const sleep = Effect.gen(function*() {
    const { url } = yield* HttpServerRequest.HttpServerRequest
    const query = new URL(url, "http://simulator").searchParams
    const asked = Number(query.get("level") ?? "1")
    const mode = query.get("mode") ?? "abort"
    if (!Number.isInteger(asked) || asked < 0 || asked > 2 || !isMode(mode)) {
      const message = isMode(mode) ? `Invalid sleep level: ${query.get("level")}` : `Invalid pause mode: ${mode}`
      return jsonUnsafe(badRequest(message), { status: 400 })
    }
    const change = ++changes
    yield* engine.pause(mode)
    if (change === changes) level = asked
    return HttpServerResponse.empty({ status: 200 })
  })

  const wakeUp = Effect.gen(function*() {
    changes++
    level = undefined
    yield* engine.resume
    return HttpServerResponse.empty({ status: 200 })
  })

  return Layer.mergeAll(
    HttpRouter.add("POST", "/sleep", sleep),
    HttpRouter.add("POST", "/wake_up", wakeUp),
    HttpRouter.add("GET", "/is_sleeping", Effect.sync(() => jsonUnsafe({ is_sleeping: level !== undefined })))
  )
}
