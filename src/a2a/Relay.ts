/**
 * The tasks of one agent: starts their work, keeps their logs, cancels them.
 *
 * A task's work does not depend on who reads it. When the last reader goes and none comes back within the orphan grace,
 * the work is cancelled, so that an engine is not left generating for nobody; `cancel` does it at once. Either way the
 * log ends with `canceled` and the executor's stream is interrupted, which closes its sockets.
 *
 * Finished tasks are kept for those who ask late, as snapshots once their last reader has gone, the oldest going first
 * beyond a bound.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FiberMap from "effect/FiberMap"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { RunError } from "../liveness/RunError.ts"
import type { AgentExecutor, AgentRequest } from "./AgentExecutor.ts"
import { Ended, Status } from "./TaskEvent.ts"
import { TaskLog } from "./TaskLog.ts"

/** Finished tasks kept for those who ask late. */
const FINISHED_TASKS_KEPT = 1000

export interface RelayOptions {
  readonly executor: AgentExecutor
  /** How long a task may go on without any reader after it had one. 30 s unless given. */
  readonly orphanGrace?: Duration.Input
}

export interface Relay {
  /** Begins the work of a new task and gives its log. */
  readonly start: (request: AgentRequest) => Effect.Effect<TaskLog>
  readonly find: (taskId: string) => TaskLog | undefined
  readonly list: () => ReadonlyArray<TaskLog>
  /** Stops the work; afterwards the log has ended. */
  readonly cancel: (taskId: string) => Effect.Effect<void>
  /** Says that somebody reads the task for as long as the scope lasts. */
  readonly reading: (taskId: string) => Effect.Effect<void, never, Scope.Scope>
}

/** The relay of an agent. Ending its scope cancels all tasks. */
export const make = Effect.fnUntraced(function*(options: RelayOptions): Effect.fn.Return<Relay, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const work = yield* FiberMap.make<string, void>()
  const orphans = yield* FiberMap.make<string, void>()
  const logs = new Map<string, TaskLog>()
  const readers = new Map<string, number>()
  const orphanGrace = Duration.fromInputUnsafe(options.orphanGrace ?? "30 seconds")

  const forgetOldest = () => {
    for (const [taskId, log] of logs) {
      if (logs.size <= FINISHED_TASKS_KEPT) return
      if (log.ended) logs.delete(taskId)
    }
  }

  const run = (log: TaskLog, request: AgentRequest): Effect.Effect<void> =>
    options.executor(request).pipe(
      Stream.runForEachArray((events) => Effect.sync(() => log.append(events))),
      Effect.matchCauseEffect({
        onSuccess: () => Effect.sync(() => log.append([Ended.make({ state: "completed", text: "", error: null })])),
        onFailure: (cause) => {
          const ended = endOf(cause)
          log.append([ended])
          return ended.state === "failed" && ended.error === null
            ? Effect.logError("task failed", cause)
            : Effect.void
        }
      }),
      Effect.onInterrupt(() =>
        Effect.sync(() => log.append([Ended.make({ state: "canceled", text: "", error: null })]))
      )
    )

  const start = Effect.fnUntraced(function*(request: AgentRequest) {
    const log = new TaskLog(request, () => clock.currentTimeMillisUnsafe())
    logs.set(log.taskId, log)
    forgetOldest()
    log.append([Status.make({ state: "working", text: "" })])
    yield* FiberMap.run(work, log.taskId, run(log, request), { startImmediately: true })
    return log
  })

  const cancel = Effect.fnUntraced(function*(taskId: string) {
    const fiber = yield* FiberMap.get(work, taskId)
    if (fiber._tag === "Some") yield* Fiber.interrupt(fiber.value)
  })

  const attach = Effect.fnUntraced(function*(taskId: string) {
    readers.set(taskId, (readers.get(taskId) ?? 0) + 1)
    yield* FiberMap.remove(orphans, taskId)
  })

  const detach = Effect.fnUntraced(function*(taskId: string) {
    const left = (readers.get(taskId) ?? 1) - 1
    if (left > 0) return void readers.set(taskId, left)
    readers.delete(taskId)
    const log = logs.get(taskId)
    if (log === undefined) return
    if (log.ended) return log.forgetEvents()
    yield* FiberMap.run(orphans, taskId, Effect.andThen(Effect.sleep(orphanGrace), cancel(taskId)))
  })

  return {
    start,
    find: (taskId) => logs.get(taskId),
    list: () => [...logs.values()],
    cancel,
    reading: (taskId) => Effect.acquireRelease(attach(taskId), () => detach(taskId))
  }
})

/** How a task ends for a cause of failure. */
const endOf = (cause: Cause.Cause<RunError>): Ended => {
  const error = Cause.findErrorOption(cause)
  if (error._tag === "Some") return Ended.make({ state: "failed", text: error.value.message, error: error.value })
  return Cause.hasInterruptsOnly(cause)
    ? Ended.make({ state: "canceled", text: "", error: null })
    : Ended.make({ state: "failed", text: "internal error of the agent; its log has the cause", error: null })
}
