/**
 * How long the store holds the event loop: the sum, between two turns of the loop, of what it does in this thread, which
 * is to call SQLite or to ask the thread that does; and the longest such sum. What whoever waited for an answer does with
 * it at once is not the store's.
 *
 * Where the kernel tells how long a thread stood in line for a processor (Linux: `schedstat`), that is subtracted, because
 * it is what others do on this machine. What is left is work and waiting for the disk. Elsewhere it is the time that
 * passed.
 *
 * Everything that uses `node:sqlite` or a thread is measured, from the first call of this on. What V8 does to decode an
 * answer is not: the delay of the loop shows it.
 */
import { openSync, readSync } from "node:fs"
import { performance } from "node:perf_hooks"
import { DatabaseSync, StatementSync } from "node:sqlite"
import { Worker } from "node:worker_threads"
import type { Block } from "./calls.ts"

export interface SqliteWatch {
  readonly longest: () => Block
  /** Of all turns, what is left. */
  readonly totalMillis: () => number
  /** The longest time from a question to a thread until its answer. */
  readonly longestWaitMillis: () => number
}

/** Reads how long this thread has stood in line for a processor since it began, in milliseconds. */
const makeInLineMillis = (): () => number => {
  const buffer = Buffer.alloc(128)
  try {
    const file = openSync("/proc/thread-self/schedstat", "r")
    // "on a processor, in line, turns", in nanoseconds
    return () => Number(buffer.toString("latin1", 0, readSync(file, buffer, 0, 128, 0)).split(" ")[1]) / 1e6
  } catch {
    return () => 0
  }
}

/** What `ThreadedSqlite` sends. */
interface Question {
  readonly id: number
  readonly call?: { readonly sql?: string }
}

const nothing: Block = { heldMillis: 0, wallMillis: 0, longestCall: "" }
const WORDS = 3

const wordsOf = (sql: string) => sql.trim().split(/\s+/, WORDS).join(" ")

/** Begins to measure. Once per process. */
export const watchSqlite = (): SqliteWatch => {
  const inLineMillis = makeInLineMillis()
  let turn = nothing
  let longest = nothing
  let totalMillis = 0
  let longestCallMillis = 0
  let isOpen = false
  let longestWaitMillis = 0
  const asked = new Map<number, number>()
  const close = () => {
    isOpen = false
    totalMillis += turn.heldMillis
    if (turn.heldMillis > longest.heldMillis) longest = turn
    turn = nothing
    longestCallMillis = 0
  }
  const timed = <A>(what: () => string, evaluate: () => A): A => {
    if (!isOpen) {
      isOpen = true
      setImmediate(close)
    }
    const inLineBefore = inLineMillis()
    const began = performance.now()
    try {
      return evaluate()
    } finally {
      const wallMillis = performance.now() - began
      const heldMillis = Math.max(0, wallMillis - inLineMillis() + inLineBefore)
      const isLongest = heldMillis > longestCallMillis
      if (isLongest) longestCallMillis = heldMillis
      turn = {
        heldMillis: turn.heldMillis + heldMillis,
        wallMillis: turn.wallMillis + wallMillis,
        longestCall: isLongest ? what() : turn.longestCall
      }
    }
  }
  const measured = (prototype: any, name: string) => {
    const original = prototype[name] as (...args: Array<unknown>) => unknown
    prototype[name] = function(this: { readonly sourceSQL?: string }, ...args: Array<unknown>) {
      return timed(() => wordsOf(String(this.sourceSQL ?? args[0])), () => original.apply(this, args))
    }
  }
  for (const name of ["run", "all", "get"]) measured(StatementSync.prototype, name)
  for (const name of ["exec", "prepare"]) measured(DatabaseSync.prototype, name)
  const { emit, postMessage } = Worker.prototype
  Worker.prototype.postMessage = function(message: Question, ...rest) {
    asked.set(message.id, performance.now())
    return timed(
      () => `asking for ${wordsOf(message.call?.sql ?? "the end")}`,
      () => postMessage.call(this, message, ...rest)
    )
  }
  Worker.prototype.emit = function(name: string | symbol, ...args: Array<any>) {
    if (name !== "message") return emit.call(this, name, ...args)
    const { id } = args[0] as Question
    longestWaitMillis = Math.max(longestWaitMillis, performance.now() - (asked.get(id) ?? Infinity))
    asked.delete(id)
    return emit.call(this, name, ...args)
  }
  return {
    longest: () => longest,
    totalMillis: () => totalMillis,
    longestWaitMillis: () => longestWaitMillis
  }
}
