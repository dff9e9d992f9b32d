/**
 * What a relay keeps of tasks that are at no work: ended ones, for those who ask late, and ones that wait for their
 * client.
 *
 * Law: there are never more than the limits allow, in number, in memory and in age; the oldest go first. The newest stays
 * whatever it weighs, because its client is about to ask for it.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { TaskLog } from "./TaskLog.ts"

/** What is kept at most of tasks that are at no work. */
export interface RetentionLimits {
  /** So many tasks. 1000 unless given. */
  readonly tasks: number
  /** So much text, roughly, in bytes. 128 MiB unless given. */
  readonly bytes: number
  /** For so long. One hour unless given. */
  readonly age: Duration.Input
}

export interface Retention {
  /** From now on the task is at no work. */
  readonly keep: (log: TaskLog) => void
  /** The task is at work again. */
  readonly release: (log: TaskLog) => void
}

interface Kept {
  readonly log: TaskLog
  readonly bytes: number
  /** Monotonic, in milliseconds. */
  readonly since: number
}

const SWEEP_INTERVAL = "1 minute"

/** `forget` is called for each task that goes. */
export const make = Effect.fnUntraced(function*(
  options: Partial<RetentionLimits> & { readonly forget: (log: TaskLog) => void }
): Effect.fn.Return<Retention, never, Scope.Scope> {
  const { bytes: mostBytes = 128 * 1024 * 1024, forget, tasks: mostTasks = 1000 } = options
  const mostMillis = Duration.toMillis(options.age ?? "1 hour")
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  /** The oldest first. */
  const all = new Map<string, Kept>()
  let bytes = 0

  const release = (log: TaskLog) => {
    const kept = all.get(log.taskId)
    if (kept === undefined) return
    all.delete(log.taskId)
    bytes -= kept.bytes
  }

  const forgetWhile = (tooMuch: (oldest: Kept) => boolean) => {
    for (const oldest of all.values()) {
      if (!tooMuch(oldest)) return
      release(oldest.log)
      forget(oldest.log)
    }
  }

  const sweep = Effect.sync(() => {
    const horizon = now() - mostMillis
    forgetWhile((oldest) => oldest.since <= horizon)
  })
  yield* Effect.forkScoped(Effect.repeat(sweep, Schedule.spaced(SWEEP_INTERVAL)))

  return {
    keep: (log) => {
      release(log)
      const kept = { log, bytes: log.bytes, since: now() }
      all.set(log.taskId, kept)
      bytes += kept.bytes
      forgetWhile((oldest) => oldest !== kept && (all.size > mostTasks || bytes > mostBytes))
    },
    release
  }
})
