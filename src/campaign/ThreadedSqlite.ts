/**
 * A database in a thread of its own (adapter for `node:worker_threads`), so that nobody waits for the disk but who asked:
 * a commit that the file system holds up, or one that copies the log into the file, stands still for as long as the disk
 * likes, and with it whatever its thread does besides.
 *
 * Laws: calls are answered in the order in which they were made; a call that was interrupted is carried out nevertheless,
 * before the next one; when the scope closes, the file is closed. A thread that dies fails every call from then on.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Worker } from "node:worker_threads"
import type { Access, SqliteCall } from "./SqliteDatabase.ts"

/** What the thread is started with. */
export interface ThreadedFile {
  readonly filename: string
  readonly access: Access
}

/** To the thread; without a call it is to close. */
export interface Asked {
  readonly id: number
  readonly call?: SqliteCall
}

/** From the thread; 0 is the opening. */
export interface Answered {
  readonly id: number
  readonly result?: unknown
  readonly error?: {
    readonly message: string
    readonly errcode: number | undefined
    readonly code: string | undefined
  }
  readonly inTransaction: boolean
}

/** What SQLite threw, as far as it can be told across threads: `message`, `errcode` and `code`. */
export interface Thrown {
  readonly thrown: unknown
}

export interface ThreadedSqlite {
  readonly call: (call: SqliteCall) => Effect.Effect<unknown, Thrown>
  /** Whether a transaction was open when the last call was answered. */
  readonly isTransaction: () => boolean
}

/** Beside this module, in whatever form it is. */
const script = new URL(import.meta.url.endsWith(".ts") ? "./sqliteThread.ts" : "./sqliteThread.js", import.meta.url)

/** Opens a file. Fails with what SQLite threw. */
export const open = Effect.fnUntraced(
  function*(file: ThreadedFile): Effect.fn.Return<ThreadedSqlite, Thrown, Scope.Scope> {
    const waiting = new Map<number, Deferred.Deferred<unknown, Thrown>>()
    let asked = 0
    let isTransaction = false
    let dead: Thrown | undefined
    const thread = yield* Effect.try({
      // What Node 22 warns of, nobody who runs this can act on.
      try: () => new Worker(script, { workerData: file, execArgv: ["--disable-warning=ExperimentalWarning"] }),
      catch: (thrown): Thrown => ({ thrown })
    })
    const exited = Deferred.makeUnsafe<void>()

    const answerWith = (id: number): Deferred.Deferred<unknown, Thrown> => {
      const answer = Deferred.makeUnsafe<unknown, Thrown>()
      waiting.set(id, answer)
      return answer
    }
    const die = (thrown: unknown) => {
      const failure = dead ??= { thrown }
      isTransaction = false
      for (const answer of waiting.values()) Deferred.doneUnsafe(answer, Effect.fail(failure))
      waiting.clear()
    }
    thread.on("message", ({ error, id, inTransaction, result }: Answered) => {
      isTransaction = inTransaction
      const answer = waiting.get(id)
      waiting.delete(id)
      if (answer === undefined) return
      Deferred.doneUnsafe(answer, error === undefined ? Effect.succeed(result) : Effect.fail(thrownOf(error)))
    })
    thread.on("error", die)
    thread.on("exit", () => {
      die(new Error("the thread of the database has ended"))
      Deferred.doneUnsafe(exited, Effect.void)
    })

    const ask = (call?: SqliteCall) =>
      Effect.suspend(() => {
        if (dead !== undefined) return Effect.fail(dead)
        const id = ++asked
        const answer = answerWith(id)
        // A thread has no origin.
        // oxlint-disable-next-line unicorn/require-post-message-target-origin
        thread.postMessage({ id, ...(call === undefined ? {} : { call }) } satisfies Asked)
        return Deferred.await(answer)
      })

    const opened = answerWith(0)
    yield* Effect.addFinalizer(() =>
      Effect.andThen(
        Effect.ignore(ask()),
        Effect.andThen(Effect.promise(() => thread.terminate()), Deferred.await(exited))
      )
    )
    yield* Deferred.await(opened)
    return { call: ask, isTransaction: () => isTransaction }
  },
  Effect.uninterruptible
)

const thrownOf = ({ code, errcode, message }: NonNullable<Answered["error"]>): Thrown => ({
  thrown: Object.assign(new Error(message), { errcode, code })
})
