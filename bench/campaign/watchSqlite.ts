/**
 * How long SQLite holds the event loop: the sum of its calls between two turns of the loop, and the longest such sum.
 *
 * Where the kernel tells how long a thread stood in line for a processor (Linux: `schedstat`), that is subtracted, because
 * it is what others do on this machine. What is left is work and waiting for the disk. Elsewhere it is the time that
 * passed.
 *
 * Everything that uses `node:sqlite` in this thread is measured, from the first call of this on.
 */
import { openSync, readSync } from "node:fs"
import { performance } from "node:perf_hooks"
import { DatabaseSync, StatementSync } from "node:sqlite"
import type { Block } from "./calls.ts"

export interface SqliteWatch {
  readonly longest: () => Block
  /** Of all turns, what is left. */
  readonly totalMillis: () => number
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
  const close = () => {
    isOpen = false
    totalMillis += turn.heldMillis
    if (turn.heldMillis > longest.heldMillis) longest = turn
    turn = nothing
    longestCallMillis = 0
  }
  const measured = (prototype: any, name: string) => {
    const original = prototype[name] as (...args: Array<unknown>) => unknown
    prototype[name] = function(this: { readonly sourceSQL?: string }, ...args: Array<unknown>) {
      if (!isOpen) {
        isOpen = true
        setImmediate(close)
      }
      const inLineBefore = inLineMillis()
      const began = performance.now()
      try {
        return original.apply(this, args)
      } finally {
        const wallMillis = performance.now() - began
        const heldMillis = Math.max(0, wallMillis - inLineMillis() + inLineBefore)
        const isLongest = heldMillis > longestCallMillis
        if (isLongest) longestCallMillis = heldMillis
        turn = {
          heldMillis: turn.heldMillis + heldMillis,
          wallMillis: turn.wallMillis + wallMillis,
          longestCall: isLongest ? wordsOf(String(this.sourceSQL ?? args[0])) : turn.longestCall
        }
      }
    }
  }
  for (const name of ["run", "all", "get"]) measured(StatementSync.prototype, name)
  for (const name of ["exec", "prepare"]) measured(DatabaseSync.prototype, name)
  return { longest: () => longest, totalMillis: () => totalMillis }
}
