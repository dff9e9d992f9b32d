/** An agent without sockets, in the time of the test's clock: it does what a test says and tells what it was asked. */
import { StreamResponse } from "@a2a-js/sdk"
import { TaskNotFoundError, UnsupportedOperationError } from "@a2a-js/sdk/errors"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import type { AgentCalls } from "../../src/a2a/AgentCalls.ts"
import { ofTransport } from "../../src/a2a/AgentFault.ts"
import type { AskedMode } from "../../src/a2a/ModeChoice.ts"
import type { TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { taskStream } from "../../src/a2a/TaskStream.ts"
import { watchTask } from "../../src/a2a/watchTask.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"

/** What is answered, as JSON of A2A 1.0, or thrown. */
type Answer = Effect.Effect<object, unknown>

export interface VirtualAgent {
  readonly streams?: boolean
  readonly exact?: boolean
  readonly stream?: Stream.Stream<object, unknown>
  readonly send?: (awaited: boolean) => Answer
  readonly subscribe?: Stream.Stream<object, unknown>
  /** How its task stands when it is asked the nth time, from 0. */
  readonly task?: (nth: number) => Answer
}

export interface Meeting {
  readonly events: Array<TaskEvent>
  /** When it was asked how its task stands, in milliseconds. */
  readonly askedAt: Array<number>
  readonly sent: Array<boolean>
  readonly cancelled: Array<string>
  /** Calls that were given up. */
  readonly aborted: () => number
  /** How it ended, with the second since it began; nothing while it goes on. */
  readonly ended: () => { readonly error: RunError | undefined; readonly second: number } | undefined
  /** Gives it up. */
  readonly giveUp: Effect.Effect<void>
}

/** A moment, as a status tells it. */
export const at = (second: number) => ({ timestamp: DateTime.formatIso(DateTime.makeUnsafe(second * 1000)) })

const part = (text: string) => ({ text })
/** A task as `GetTask` answers it. */
export const task = (state: string, texts: ReadonlyArray<string> = [], more: Record<string, unknown> = {}) => ({
  id: "t",
  contextId: "c",
  status: { state: `TASK_STATE_${state}`, ...more },
  artifacts: texts.map((text, index) => ({ artifactId: `a${index}`, parts: [part(text)] }))
})
/** The message of a status. */
export const saying = (text: string) => ({ message: { messageId: "m", role: "ROLE_AGENT", parts: [part(text)] } })
export const statusUpdate = (state: string, more: Record<string, unknown> = {}) => ({
  statusUpdate: { taskId: "t", contextId: "c", status: { state: `TASK_STATE_${state}`, ...more } }
})
export const artifactUpdate = (text: string, append: boolean, artifactId = "a0") => ({
  artifactUpdate: { taskId: "t", contextId: "c", artifact: { artifactId, parts: [part(text)] }, append }
})

const broken = (message: string, code: string) =>
  ofTransport(
    "http://purple/",
    new TypeError("fetch failed", { cause: Object.assign(new Error(message), { code }) })
  )
export const refused = broken("connect ECONNREFUSED 127.0.0.1:9", "ECONNREFUSED")
export const cut = broken("other side closed", "UND_ERR_SOCKET")
export const unsupported = new UnsupportedOperationError("not here")
export const notFound = new TaskNotFoundError("Task not found")

const run = { hop: "purple", attempt: 1, endpoint: "http://purple/", model: "" } as const

/** Sends a message to the agent and follows it, watched; until time passes nothing happens. */
export const meet = Effect.fnUntraced(function*(agent: VirtualAgent, forced?: AskedMode) {
  const context = yield* Effect.context<never>()
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const began = now()
  const meeting = {
    events: [] as Array<TaskEvent>,
    askedAt: [] as Array<number>,
    sent: [] as Array<boolean>,
    cancelled: [] as Array<string>
  }
  let aborted = 0
  let ended: ReturnType<Meeting["ended"]>
  const promise = (answer: Answer, signal: AbortSignal) => {
    signal.addEventListener("abort", () => aborted++)
    return Effect.runPromiseWith(context)(answer, { signal })
  }
  const iterable = (stream: Stream.Stream<object, unknown> | undefined) =>
    Stream.toAsyncIterableWith(Stream.map(stream ?? Stream.fail(unsupported), StreamResponse.fromJSON), context)
  const calls: AgentCalls = {
    stream: () => iterable(agent.stream),
    send: (awaited, signal) => {
      meeting.sent.push(awaited)
      return promise(agent.send?.(awaited) ?? Effect.fail(unsupported), signal).then(StreamResponse.fromJSON)
    },
    subscribe: () => iterable(agent.subscribe),
    task: (_, signal) => {
      meeting.askedAt.push(now())
      const answer = agent.task?.(meeting.askedAt.length - 1) ?? Effect.fail(notFound)
      return promise(answer, signal).then((json) => StreamResponse.fromJSON({ task: json }))
    },
    cancel: (taskId) => Effect.sync(() => void meeting.cancelled.push(taskId))
  }
  const promised = {
    name: "virtual",
    streams: agent.streams ?? agent.stream !== undefined,
    exact: agent.exact ?? false
  }
  const fiber = yield* taskStream({ calls, hop: "purple", url: "http://purple/", promise: promised, forced }).pipe(
    watchTask({ run }),
    Stream.runForEachArray((events) => Effect.sync(() => void meeting.events.push(...events))),
    Effect.match({
      onFailure: (error) => {
        ended = { error, second: (now() - began) / 1000 }
      },
      onSuccess: () => {
        ended = { error: undefined, second: (now() - began) / 1000 }
      }
    }),
    Effect.provide(Ticker.layer()),
    Effect.forkChild({ startImmediately: true })
  )
  return {
    ...meeting,
    aborted: () => aborted,
    ended: () => ended,
    giveUp: Effect.andThen(Effect.sync(() => fiber.interruptUnsafe()), settle)
  } satisfies Meeting
})

/** Lets everything happen that has no time to wait for. */
const settle = Effect.gen(function*() {
  for (let turn = 0; turn < 3; turn++) yield* Effect.promise(() => new Promise<void>((done) => setImmediate(done)))
})

/** Lets time pass, in steps that are shorter than anything waits for. */
export const pass = (seconds: number, stepMillis = 250): Effect.Effect<void> =>
  Effect.gen(function*() {
    yield* settle
    for (let left = seconds * 1000; left > 0; left -= stepMillis) {
      yield* TestClock.adjust(Math.min(left, stepMillis))
      yield* settle
    }
  })

/** The modes that were told, in turn. */
export const modesOf = (events: ReadonlyArray<TaskEvent>): ReadonlyArray<string> =>
  events.flatMap((event) => event._tag === "Followed" ? [event.mode] : [])

/** The text that is left of everything. */
export const textOf = (events: ReadonlyArray<TaskEvent>): string => {
  let text = ""
  for (const event of events) {
    if (event._tag === "Delta" && event.channel === "content") text += event.text
    else if (event._tag === "Replaced") text = event.text
  }
  return text
}

/** Why it failed. */
export const reasonOf = (meeting: Pick<Meeting, "ended">): any => {
  const error = meeting.ended()?.error
  return error?._tag === "Failed" ? error.reason : undefined
}

/** Answers a message at once with a task that goes on. */
export const begins = { send: () => Effect.succeed({ task: task("SUBMITTED") }) }
export const working = (...texts: ReadonlyArray<string>): Answer => Effect.succeed(task("WORKING", texts))
export const completed = (...texts: ReadonlyArray<string>): Answer => Effect.succeed(task("COMPLETED", texts))
/** One answer after the other, and the last one for ever. */
export const inTurn = (...answers: ReadonlyArray<Answer>) => (nth: number): Answer =>
  answers[Math.min(nth, answers.length - 1)]!
