/**
 * vLLM's development endpoints that stop the engines: /sleep, /wake_up and /is_sleeping, /pause, /resume and /is_paused.
 *
 * `POST /sleep?level=0|1|2&mode=abort|wait|keep` (level 1 and mode abort unless given) answers when the engines stand:
 * with mode wait only when nothing runs any more. Requests that come while they sleep get their headers and wait in the
 * queue. The HTTP side stays awake, so /health and keep-alive comments go on: a legitimate long silence with mode keep.
 * `POST /pause?mode=` stops them likewise; with mode abort and wait requests are then refused until `POST /resume`. Only
 * a sleep has a level, which one gauge tells; with level 0 it is nothing but a pause.
 *
 * In front of an engine that hangs none of the six is answered: they are questions to the engine. If it dies meanwhile,
 * they are answered as everything is that is asked of a dead engine.
 *
 * Gotcha: the level changes nothing here but that gauge (there are no weights to throw away). Tags of /wake_up are
 * ignored: everything wakes. An engine is paused from the moment at which it is told, and asleep when it stands.
 */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import { engineDead } from "./EngineErrors.ts"
import type { PauseMode } from "./EngineLoop.ts"
import type { EngineProcess } from "./EngineProcess.ts"
import { type Problem, wrongShape } from "./ErrorBody.ts"

const modes: ReadonlyArray<string> = ["abort", "wait", "keep"] satisfies ReadonlyArray<PauseMode>
const isMode = (mode: string): mode is PauseMode => modes.includes(mode)

const { jsonUnsafe } = HttpServerResponse

const stop = (process: EngineProcess, mode: PauseMode) => {
  process.paused = true
  return Effect.forEach(process.engines, (engine) => engine.pause(mode), { concurrency: "unbounded", discard: true })
}

const goOn = (process: EngineProcess) => {
  process.sleepChanges++
  process.paused = false
  return Effect.forEach(process.engines, (engine) => engine.resume, { discard: true })
}

/** Returns when every engine has read its messages, or is dead. */
const answersOfAll = (process: EngineProcess) =>
  Effect.forEach(process.engines, (engine) => engine.answers, { discard: true })

/** Puts all engines of a process to sleep; returns when they stand, or are woken before. */
export const sleep = (process: EngineProcess, level: number, mode: PauseMode) =>
  Effect.suspend(() => {
    const change = ++process.sleepChanges
    return Effect.andThen(
      stop(process, mode),
      Effect.sync(() => {
        if (change !== process.sleepChanges) return
        process.sleepLevel = level
        process.metrics.sleepLevel(level)
      })
    )
  })

/** Wakes all engines of a process, each when it reads its messages. Returns at once. */
export const wakeUp = (process: EngineProcess) =>
  Effect.suspend(() => {
    process.sleepLevel = undefined
    const woken = goOn(process)
    const change = process.sleepChanges
    const told = Effect.sync(() => {
      if (change === process.sleepChanges) process.metrics.sleepLevel(undefined)
    })
    // The gauge of an engine that hangs does not move.
    return Effect.andThen(
      woken,
      Effect.forkDetach(Effect.andThen(answersOfAll(process), told), { startImmediately: true })
    )
  })

const pause = (process: EngineProcess, mode: PauseMode) =>
  Effect.suspend(() => {
    if (mode !== "keep") process.refusing = true
    return stop(process, mode)
  })

const resume = (process: EngineProcess) =>
  Effect.suspend(() => {
    process.refusing = false
    return goOn(process)
  })

/** The settings in the address, of which the last one counts if there are several. */
const settings = Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) => {
  const query = new URL(url, "http://simulator").searchParams
  return { mode: query.getAll("mode").at(-1) ?? "abort", level: query.getAll("level").at(-1) ?? "1" }
})

const modeProblem = (mode: string): Problem => ({
  type: "literal_error",
  location: "query.mode",
  message: "Input should be 'abort', 'wait' or 'keep'",
  input: mode,
  context: { expected: "'abort', 'wait' or 'keep'" }
})

/** What pydantic reads from a text as a whole number; undefined: nothing. */
const wholeNumber = (text: string): number | undefined =>
  /^\s*[+-]?\d+(_\d+)*(\.0*)?\s*$/.test(text) ? Number(text.replaceAll("_", "")) : undefined

const levelProblem = (text: string): Problem | undefined => {
  const level = wholeNumber(text)
  const problem = (type: string, message: string, context: NonNullable<Problem["context"]>) => ({
    type,
    location: "query.level",
    message: `Input should be ${message}`,
    input: text,
    context
  })
  if (level === undefined) return problem("int_parsing", "a valid integer, unable to parse string as an integer", {})
  if (level < 0) return problem("greater_than_equal", "greater than or equal to 0", { ge: 0 })
  return level > 2 ? problem("less_than_equal", "less than or equal to 2", { le: 2 }) : undefined
}

const refuse = (problems: ReadonlyArray<Problem>) => jsonUnsafe(wrongShape(problems), { status: 400 })

/** The six routes for the process that there is when they are asked. */
export const make = (current: () => EngineProcess) => {
  /** Does it, and then says what the process says. */
  const answer = (
    action: (process: EngineProcess) => Effect.Effect<unknown>,
    body: (process: EngineProcess) => object
  ) =>
    Effect.suspend(() => {
      const process = current()
      return Effect.map(action(process), () =>
        process.state === "dead"
          ? jsonUnsafe(engineDead, { status: engineDead.error.code })
          : jsonUnsafe(body(process)))
    })
  const heard = (action: (process: EngineProcess) => Effect.Effect<unknown>) => (process: EngineProcess) =>
    Effect.andThen(action(process), answersOfAll(process))

  const sleepRoute = Effect.gen(function*() {
    const { level, mode } = yield* settings
    const problems = [levelProblem(level), isMode(mode) ? undefined : modeProblem(mode)]
      .filter((problem) => problem !== undefined)
    if (problems.length > 0 || !isMode(mode)) return refuse(problems)
    const wanted = wholeNumber(level)!
    return yield* answer((process) => sleep(process, wanted, mode), () => ({ status: "sleeping", level: wanted }))
  })

  const pauseRoute = Effect.gen(function*() {
    const { mode } = yield* settings
    if (!isMode(mode)) return refuse([modeProblem(mode)])
    return yield* answer((process) => pause(process, mode), () => ({ status: "paused" }))
  })

  const isSleeping = (process: EngineProcess) => ({ is_sleeping: process.paused || (process.sleepLevel ?? 0) > 0 })
  const isPaused = (process: EngineProcess) => ({ is_paused: process.paused })

  return Layer.mergeAll(
    HttpRouter.add("POST", "/sleep", sleepRoute),
    HttpRouter.add("POST", "/wake_up", answer(heard(wakeUp), () => ({ status: "awake", tags: null }))),
    HttpRouter.add("GET", "/is_sleeping", answer(answersOfAll, isSleeping)),
    HttpRouter.add("POST", "/pause", pauseRoute),
    HttpRouter.add("POST", "/resume", answer(heard(resume), () => ({ status: "resumed" }))),
    HttpRouter.add("GET", "/is_paused", answer(answersOfAll, isPaused))
  )
}
