/**
 * The tasks of one agent, as a service: starts their work, keeps their logs, cancels them. What a server answers comes from
 * here alone, so whoever wants tasks kept, counted or refused otherwise puts another relay, or one around this one, in front
 * of `A2aServer.layer`.
 *
 * A task's work does not depend on who reads it. When the last reader goes and none comes back within the orphan grace,
 * the work is cancelled, so that an engine is not left generating for nobody; `cancel` does it at once. Either way the
 * log ends with `canceled` and the executor's stream is interrupted, which closes its sockets. A task that waits for its
 * client is at no work and is never an orphan.
 *
 * Laws of every relay: the log of a task is one object as long as anybody may read it; `attach` is called before the
 * work of its message begins; a log that has ended, or that waits for its client, is at no work.
 *
 * Gotcha: a relay does not ask whose a task is. The server does, by what the log says of its owner.
 */
import type { Message } from "@a2a-js/sdk"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { RunError } from "../liveness/RunError.ts"
import type { AgentExecutor, AgentRequest } from "./AgentExecutor.ts"
import { isTooLarge, MOST_EVENT_CHARACTERS } from "./EventSize.ts"
import { Refusal } from "./Refusal.ts"
import * as Retention from "./Retention.ts"
import { Ended, Status, type TaskEvent } from "./TaskEvent.ts"
import { TaskLog, type TaskOwner } from "./TaskLog.ts"
import { statusMessageOf } from "./WireTask.ts"

/** Tasks at work at once, unless given. */
const MOST_TASKS = 2000

export { type AgentExecutor, type AgentRequest } from "./AgentExecutor.ts"
export type { LogEntry } from "./LogEntry.ts"
export { Refusal } from "./Refusal.ts"
export type { RetentionLimits } from "./Retention.ts"
export { type LogClock, TaskLog, type TaskOwner, type TaskSnapshot, type TaskTimings } from "./TaskLog.ts"
export { TaskReader } from "./TaskReader.ts"
export { TaskRecord } from "./TaskRecord.ts"
export type { TaskIdentity } from "./WireTask.ts"

/** How tasks are worked on and kept. `R`: the services that the executor needs. */
export interface RelayOptions<R = never> {
  /** The work of a task; see AgentExecutor.ts. */
  readonly executor: AgentExecutor<R>
  /** How long a task may go on without any reader after it had one; infinite: for ever. 30 s unless given. */
  readonly orphanGrace?: Duration.Input | undefined
  /** How many tasks may be at work at once. 2000 unless given. */
  readonly mostTasks?: number | undefined
  /** What is kept of tasks that are at no work. */
  readonly retention?: Partial<Retention.RetentionLimits> | undefined
}

/** What a client says, and who is to know what comes of it. */
export interface Turn {
  /** The message as an executor gets it; its ids are those of the task. */
  readonly request: AgentRequest
  /** The message as it came, for the history of the task. */
  readonly message: Message
  /** Called before any work is done: nothing that comes of the message is before it. Synchronous; must not throw. */
  readonly attach: (log: TaskLog) => void
}

/**
 * The tasks of one agent. `Relay.layer` keeps them in memory; a program that wants them elsewhere, counted or refused gives a
 * layer of its own, mostly around `Relay.make`, whose members keep the laws at the head of this module.
 *
 * @example
 * import { A2aClient } from "a2a-campaign/A2aClient"
 * import { A2aServer } from "a2a-campaign/A2aServer"
 * import { Relay } from "a2a-campaign/Relay"
 * import { Delta } from "a2a-campaign/TokenEvent"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Stream from "effect/Stream"
 *
 * // Our relay, with each new task counted.
 * let tasks = 0
 * const counting = Layer.effect(
 *   Relay,
 *   Effect.map(
 *     Relay.make({ executor: ({ text }) => Stream.make(Delta.make({ channel: "content", text, tokens: 1 })) }),
 *     (relay) =>
 *       Relay.of({
 *         ...relay,
 *         start: (turn) => Effect.tap(relay.start(turn), () => Effect.sync(() => tasks++))
 *       })
 *   )
 * )
 *
 * const server = A2aServer.layer({
 *   host: "127.0.0.1",
 *   port: 0,
 *   description: {
 *     name: "echo",
 *     description: "Says what it is told.",
 *     version: "1",
 *     skill: { id: "echo", name: "echo", description: "Echoes.", tags: ["example"] }
 *   }
 * }).pipe(Layer.provide(counting))
 *
 * const program = Effect.gen(function*() {
 *   const { url } = yield* A2aServer
 *   const client = yield* A2aClient
 *   yield* Stream.runDrain(client.send({ url, hop: "purple", text: "hello" }))
 *   console.log(`tasks: ${tasks}`)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, [server, A2aClient.layer]))
 * // prints: tasks: 1
 */
export class Relay extends Context.Service<Relay, {
  /** Begins the work of a new task. Fails with a `Refusal` where no further work is taken at the moment. */
  readonly start: (turn: Turn) => Effect.Effect<TaskLog, Refusal>
  /** Goes on with a task that waited for its client (`log.interrupted`). Fails as `start` does. */
  readonly proceed: (log: TaskLog, turn: Turn) => Effect.Effect<TaskLog, Refusal>
  /** The task of that id, whoever's it is; `undefined` where there is none. */
  readonly find: (taskId: string) => Effect.Effect<TaskLog | undefined>
  /** The tasks of an owner, in any order. Others may be among them; the server leaves them out. */
  readonly list: (owner: TaskOwner) => Effect.Effect<Iterable<TaskLog>>
  /** Stops the work; afterwards the log has ended. Of a task that has ended it changes nothing. */
  readonly cancel: (log: TaskLog) => Effect.Effect<void>
  /** Says that somebody reads the task for as long as the scope lasts. */
  readonly reading: (log: TaskLog) => Effect.Effect<void, never, Scope.Scope>
  /** Takes no further work, waits until there is none or the time is over, and cancels every task that has not ended. */
  readonly drain: (atMost: Duration.Input) => Effect.Effect<void>
}>()("a2a-campaign/Relay") {
  /** The relay of an executor, with its logs in memory. Ending its scope cancels all tasks. */
  static readonly make = <R = never>(
    options: RelayOptions<R>
  ): Effect.Effect<Relay["Service"], never, Scope.Scope | R> => makeRelay(options)

  /** The same as a layer. */
  static readonly layer = <R = never>(options: RelayOptions<R>): Layer.Layer<Relay, never, R> =>
    Layer.effect(Relay, makeRelay(options))

  /** A relay whose agent says the same to every message, and goes on without readers. */
  static readonly layerTest = (events: Stream.Stream<TaskEvent, RunError>): Layer.Layer<Relay> =>
    Relay.layer({ executor: () => events, orphanGrace: Duration.infinity })
}

const makeRelay = Effect.fnUntraced(function*<R>(
  options: RelayOptions<R>
): Effect.fn.Return<Relay["Service"], never, Scope.Scope | R> {
  const services = yield* Effect.context<R>()
  const clock = yield* Clock.Clock
  const work = yield* FiberMap.make<string, void, never>()
  const orphans = yield* FiberMap.make<string, void, never>()
  const logs = new Map<string, TaskLog>()
  const readers = new Map<string, number>()
  const orphanGrace = Duration.fromInputUnsafe(options.orphanGrace ?? "30 seconds")
  const mostTasks = options.mostTasks ?? MOST_TASKS
  const retention = yield* Retention.make({
    ...options.retention,
    forget: (log) => {
      // One that waited for its client waits no longer.
      log.append([canceled])
      logs.delete(log.taskId)
    }
  })
  let shuttingDown = false

  /** What each task is at work on, or was last. */
  const turns = new WeakMap<TaskLog, AgentRequest>()

  const run = (log: TaskLog, request: AgentRequest): Effect.Effect<void, never, R> => {
    // A client may answer before the work that asked has ended; that work has then no say any more.
    const ifCurrent = (act: () => void) => Effect.sync(() => turns.get(log) === request ? act() : undefined)
    return Effect.suspend(() => {
      turns.set(log, request)
      if (log.state === "submitted") log.append([working])
      // Work that ends its task itself is over then, whatever it still wants to do: nobody could cancel it any more.
      const events = Stream.transformPull(
        options.executor(request),
        (pull) => Effect.succeed(Effect.suspend(() => log.ended ? Cause.done() : pull))
      )
      return Stream.runForEachArray(events, (some) => {
        const tooLarge = some.findIndex(isTooLarge)
        log.append(tooLarge === -1 ? some : [...some.slice(0, tooLarge), overlarge])
        return Effect.void
      })
    }).pipe(
      Effect.matchCauseEffect({
        onSuccess: () =>
          ifCurrent(() => {
            if (!log.interrupted) log.append([Ended.make({ state: "completed", text: "", error: null })])
          }),
        onFailure: (cause) => {
          const ended = endOf(cause)
          log.append([ended])
          return ended.state === "failed" && ended.error === null
            ? Effect.logError("task failed", cause)
            : Effect.void
        }
      }),
      Effect.onInterrupt(() => ifCurrent(() => log.append([canceled]))),
      Effect.ensuring(ifCurrent(() => retention.keep(log)))
    )
  }

  const admit = Effect.suspend(() => {
    if (shuttingDown) return Effect.fail(refused({ _tag: "ShuttingDown" }))
    return Effect.flatMap(
      FiberMap.size(work),
      (size) => size < mostTasks ? Effect.void : Effect.fail(refused({ _tag: "TooManyTasks", limit: mostTasks }))
    )
  })

  // Once for a whole task, and not around its stream, where it would cost something with every pull.
  const provided = <A>(effect: Effect.Effect<A, never, R>): Effect.Effect<A> =>
    Effect.updateContext(effect, (current: Context.Context<never>) => Context.merge(services, current))

  const begin = (log: TaskLog, { attach, request }: Turn) =>
    // Whoever spoke last wants it, whatever became of those who read before.
    FiberMap.remove(orphans, log.taskId).pipe(
      Effect.andThen(Effect.suspend(() => {
        attach(log)
        return FiberMap.run(work, log.taskId, provided(run(log, request)), { startImmediately: true })
      })),
      Effect.as(log)
    )

  const start = Effect.fnUntraced(function*(turn: Turn) {
    yield* admit
    const log = new TaskLog(turn.request, clock)
    logs.set(log.taskId, log)
    log.history.push(turn.message)
    return yield* begin(log, turn)
  })

  const proceed = Effect.fnUntraced(function*(log: TaskLog, turn: Turn) {
    yield* admit
    // It may have been kept elsewhere meanwhile.
    logs.set(log.taskId, log)
    retention.release(log)
    const asked = statusMessageOf(log, log.snapshot)
    log.history.push(...asked === undefined ? [] : [asked], turn.message)
    log.append([working])
    return yield* begin(log, turn)
  })

  const cancel = Effect.fnUntraced(function*(log: TaskLog) {
    const fiber = yield* FiberMap.get(work, log.taskId)
    if (fiber._tag === "Some") yield* Fiber.interrupt(fiber.value)
    // One that waited for its client was at no work.
    log.append([canceled])
    retention.keep(log)
  })

  const orphan = (log: TaskLog) =>
    Duration.isFinite(orphanGrace)
      ? FiberMap.run(
        orphans,
        log.taskId,
        Effect.andThen(Effect.sleep(orphanGrace), Effect.suspend(() => isAtWork(log) ? cancel(log) : Effect.void))
      )
      : Effect.void

  const attach = Effect.fnUntraced(function*(log: TaskLog) {
    readers.set(log.taskId, (readers.get(log.taskId) ?? 0) + 1)
    yield* FiberMap.remove(orphans, log.taskId)
  })

  const detach = Effect.fnUntraced(function*(log: TaskLog) {
    const left = (readers.get(log.taskId) ?? 1) - 1
    if (left > 0) return void readers.set(log.taskId, left)
    readers.delete(log.taskId)
    if (isAtWork(log)) yield* orphan(log)
  })

  return Relay.of({
    start,
    proceed,
    find: (taskId) => Effect.sync(() => logs.get(taskId)),
    list: () => Effect.sync(() => [...logs.values()]),
    cancel,
    reading: (log) => Effect.acquireRelease(attach(log), () => detach(log)),
    drain: (input) => {
      const atMost = Duration.fromInputUnsafe(input)
      return Effect.suspend(() => {
        shuttingDown = true
        return FiberMap.size(work)
      }).pipe(
        Effect.tap((size) =>
          size > 0 && !Duration.isZero(atMost)
            ? Effect.logInfo(`tasks at work: ${size}; they may come to their end within ${Duration.format(atMost)}`)
            : Effect.void
        ),
        Effect.andThen(Effect.timeoutOption(FiberMap.awaitEmpty(work), atMost)),
        // Those that wait for their client are at no work, and end too.
        Effect.andThen(Effect.suspend(() =>
          Effect.forEach([...logs.values()].filter((log) => !log.ended), cancel, {
            concurrency: "unbounded",
            discard: true
          })
        ))
      )
    }
  })
})

const working = Status.make({ state: "working", text: "" })
const canceled = Ended.make({ state: "canceled", text: "", error: null })

const overlarge = Ended.make({
  state: "failed",
  text: `the agent made an event of more than ${MOST_EVENT_CHARACTERS} characters, which clients do not take`,
  error: null
})

const isAtWork = (log: TaskLog): boolean => !log.ended && !log.interrupted

const refused = (reason: Refusal["reason"]): Refusal => new Refusal({ reason })

/** How a task ends for a cause of failure. */
const endOf = (cause: Cause.Cause<RunError>): Ended => {
  const error = Cause.findErrorOption(cause)
  if (error._tag === "Some") return Ended.make({ state: "failed", text: error.value.message, error: error.value })
  return Cause.hasInterruptsOnly(cause)
    ? canceled
    : Ended.make({ state: "failed", text: "internal error of the agent; its log has the cause", error: null })
}
