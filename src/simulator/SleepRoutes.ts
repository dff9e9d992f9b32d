/**
 * vLLM's development endpoints that put the engines to sleep and wake them: /sleep, /wake_up, /is_sleeping.
 *
 * `POST /sleep?level=1|2&mode=abort|wait|keep` (level 1 and mode abort unless given) answers when the engines stand: with
 * mode wait only when nothing runs any more. Requests that come while they sleep get their headers and wait in the
 * queue. The HTTP side stays awake, so /health and keep-alive comments go on: a legitimate long silence with mode keep.
 * In front of an engine that hangs none of the three is answered: they are questions to the engine.
 *
 * Gotcha: the level changes nothing here but a gauge (there are no weights to throw away). Tags of /wake_up are ignored:
 * everything wakes.
 */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type { PauseMode } from "./EngineLoop.ts"
import type { EngineProcess } from "./EngineProcess.ts"
import { badRequest } from "./GenerationRequest.ts"

const modes: ReadonlyArray<string> = ["abort", "wait", "keep"] satisfies ReadonlyArray<PauseMode>
const isMode = (mode: string): mode is PauseMode => modes.includes(mode)

const { jsonUnsafe } = HttpServerResponse

/** Puts all engines of a process to sleep; returns when they stand. */
export const sleep = (process: EngineProcess, level: number, mode: PauseMode) =>
  Effect.suspend(() => {
    const change = ++process.sleepChanges
    return Effect.andThen(
      Effect.forEach(process.engines, (engine) => engine.pause(mode), { concurrency: "unbounded", discard: true }),
      Effect.sync(() => {
        if (change !== process.sleepChanges) return
        process.sleepLevel = level
        process.metrics.sleepLevel(level)
      })
    )
  })

/** Wakes all engines of a process. */
export const wakeUp = (process: EngineProcess) =>
  Effect.suspend(() => {
    process.sleepChanges++
    process.sleepLevel = undefined
    process.metrics.sleepLevel(undefined)
    return Effect.forEach(process.engines, (engine) => engine.resume, { discard: true })
  })

/** Returns when every engine has read its messages. */
const answersOfAll = (process: EngineProcess) =>
  Effect.forEach(process.engines, (engine) => engine.answers, { discard: true })

/** The three routes for the process that there is when they are asked. */
export const make = (current: () => EngineProcess) => {
  const sleepRoute = Effect.gen(function*() {
    const { url } = yield* HttpServerRequest.HttpServerRequest
    const query = new URL(url, "http://simulator").searchParams
    const level = Number(query.get("level") ?? "1")
    const mode = query.get("mode") ?? "abort"
    if (!Number.isInteger(level) || level < 0 || level > 2 || !isMode(mode)) {
      const message = isMode(mode) ? `Invalid sleep level: ${query.get("level")}` : `Invalid pause mode: ${mode}`
      return jsonUnsafe(badRequest(message), { status: 400 })
    }
    yield* sleep(current(), level, mode)
    return HttpServerResponse.empty({ status: 200 })
  })

  const wakeUpRoute = Effect.suspend(() => {
    const process = current()
    return Effect.as(
      Effect.andThen(wakeUp(process), answersOfAll(process)),
      HttpServerResponse.empty({ status: 200 })
    )
  })

  const isSleeping = Effect.suspend(() => {
    const process = current()
    return Effect.map(answersOfAll(process), () => jsonUnsafe({ is_sleeping: process.sleepLevel !== undefined }))
  })

  return Layer.mergeAll(
    HttpRouter.add("POST", "/sleep", sleepRoute),
    HttpRouter.add("POST", "/wake_up", wakeUpRoute),
    HttpRouter.add("GET", "/is_sleeping", isSleeping)
  )
}
