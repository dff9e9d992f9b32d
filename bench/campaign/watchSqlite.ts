/**
 * How long SQLite holds the event loop: the sum of its calls between two turns of the loop, and the longest such sum.
 *
 * Everything that uses `node:sqlite` in this process is measured, from the first call of this on.
 */
import { performance } from "node:perf_hooks"
import { DatabaseSync, StatementSync } from "node:sqlite"
import type { Block } from "./calls.ts"

export interface SqliteWatch {
  readonly longest: () => Block
  /** Of all turns. */
  readonly totalMillis: () => number
}

const cpuMillis = () => {
  const { system, user } = process.threadCpuUsage()
  return (system + user) / 1000
}

/** Begins to measure. Once per process. */
export const watchSqlite = (): SqliteWatch => {
  let turn = { wallMillis: 0, cpuMillis: 0 }
  let longest = { wallMillis: 0, cpuMillis: 0 }
  let totalMillis = 0
  let isOpen = false
  const close = () => {
    isOpen = false
    totalMillis += turn.wallMillis
    longest = {
      wallMillis: Math.max(longest.wallMillis, turn.wallMillis),
      cpuMillis: Math.max(longest.cpuMillis, turn.cpuMillis)
    }
    turn = { wallMillis: 0, cpuMillis: 0 }
  }
  const measured = (prototype: any, name: string) => {
    const original = prototype[name] as (...args: Array<unknown>) => unknown
    prototype[name] = function(...args: Array<unknown>) {
      if (!isOpen) {
        isOpen = true
        setImmediate(close)
      }
      const [began, cpuBegan] = [performance.now(), cpuMillis()]
      try {
        return original.apply(this, args)
      } finally {
        turn.wallMillis += performance.now() - began
        turn.cpuMillis += cpuMillis() - cpuBegan
      }
    }
  }
  for (const name of ["run", "all", "get"]) measured(StatementSync.prototype, name)
  for (const name of ["exec", "prepare"]) measured(DatabaseSync.prototype, name)
  return { longest: () => longest, totalMillis: () => totalMillis }
}
