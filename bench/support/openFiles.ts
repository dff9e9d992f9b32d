/**
 * How many files and sockets a process of this machine may have open (adapter for Node's diagnostic report).
 *
 * Node raises its own limit to the highest it may have, so that this is what `ulimit -Hn` says.
 */
import * as Effect from "effect/Effect"
import { BenchError } from "./BenchError.ts"

/** What a process has open beside its streams. */
const OTHER_FILES = 64

interface Report {
  readonly userLimits?: { readonly open_files?: { readonly soft: number | string } }
}

const openFilesLimit = (): number => {
  const soft = (process.report.getReport() as Report).userLimits?.open_files?.soft
  // "unlimited", or a system that does not tell.
  return typeof soft === "number" ? soft : Infinity
}

/** Fails when so many streams cannot be open in one process. */
export const requireOpenFiles = (
  streams: number,
  limit: number = openFilesLimit()
): Effect.Effect<void, BenchError> => {
  const needed = streams + OTHER_FILES
  return limit >= needed ? Effect.void : Effect.fail(
    new BenchError({
      message: `${streams} streams need ${needed} open files in one process, and the limit is ${limit}: ` +
        `raise it (ulimit -Hn; ulimit -n ${needed}), or ask for fewer streams`,
      exitCode: 1
    })
  )
}
