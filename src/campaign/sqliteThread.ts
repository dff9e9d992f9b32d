/**
 * The thread of a `ThreadedSqlite`: opens the database, answers calls in the order in which they come, and ends when it is
 * told to close.
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads"
import { answerer, configure, open, truncateLog } from "./SqliteDatabase.ts"
import type { Answered, Asked, ThreadedFile } from "./ThreadedSqlite.ts"

const port = parentPort as MessagePort
const { access, filename } = workerData as ThreadedFile

const errorOf = (cause: unknown): NonNullable<Answered["error"]> => {
  const { code, errcode, message } = Object(cause) as { message?: string; errcode?: number; code?: string }
  return { message: message ?? String(cause), errcode, code }
}

/** An answer is sent also where there is none: whoever asked waits. */
const answer = (id: number, evaluate: () => unknown, inTransaction: () => boolean): void => {
  try {
    const result = evaluate()
    port.postMessage({ id, result, inTransaction: inTransaction() } satisfies Answered)
  } catch (cause) {
    port.postMessage({ id, error: errorOf(cause), inTransaction: inTransaction() } satisfies Answered)
  }
}

const nothing = () => false

try {
  const database = open(filename, access)
  configure(database, access)
  const call = answerer(database)
  const inTransaction = () => database.isTransaction
  port.on("message", (asked: Asked) => {
    if (asked.call !== undefined) {
      const { call: what } = asked
      return answer(asked.id, () => call(what), inTransaction)
    }
    answer(asked.id, () => {
      try {
        truncateLog(database)
      } finally {
        database.close()
      }
    }, nothing)
    port.close()
  })
  port.postMessage({ id: 0, inTransaction: false } satisfies Answered)
} catch (cause) {
  port.postMessage({ id: 0, error: errorOf(cause), inTransaction: false } satisfies Answered)
}
