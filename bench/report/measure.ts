/**
 * Writes a store and makes every kind of report of it, each in a process of its own, one after the other.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { fileURLToPath } from "node:url"
import { BenchError } from "../support/BenchError.ts"
import { significant } from "../support/table.ts"
import type { Kind, Made, Measured } from "./Results.ts"
import { writeStore } from "./writeStore.ts"

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const campaign = here("../../bin/campaign")

export interface MeasureOptions {
  readonly battles: number
  readonly tokens: number
  readonly times: number
  /** Besides the baseline. */
  readonly kinds: ReadonlyArray<Kind>
}

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "bench-report-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

/** All of it, in about a minute. */
export const measure = Effect.fnUntraced(function*({ battles, kinds, times, tokens }: MeasureOptions) {
  const directory = yield* temporaryDirectory
  const file = join(directory, "campaign.db")
  const attempts = yield* writeStore({ file, battles, tokens })
  yield* Console.error(`a store of ${significant(statSync(file).size / 1e6)} MB is written`)
  const made: Array<Made> = []
  for (let time = 0; time < times; time++) {
    for (const kind of ["rows" as const, ...kinds]) {
      const one = yield* make(kind, file, directory)
      yield* Console.error(`${kind}: ${significant(one.wallMillis / 1000)} s`)
      made.push(one)
    }
  }
  return { battles, tokens, attempts, storeBytes: statSync(file).size, made } satisfies Measured as Measured
}, Effect.scoped)

const argumentsOf = (kind: Kind, file: string, output: string): ReadonlyArray<string> => {
  if (kind === "rows") return [here("./readRows.ts"), file]
  return [campaign, "report", "--db", file, ...kind === "summary" ? [] : ["-o", output]]
}

const make = (kind: Kind, file: string, directory: string): Effect.Effect<Made, BenchError> =>
  Effect.callback((resume) => {
    const output = join(directory, `report.${kind}`)
    const usage = join(directory, "usage.json")
    const began = performance.now()
    const child = execFile(
      process.execPath,
      ["--import", here("./tellUsage.ts"), ...argumentsOf(kind, file, output)],
      { env: { ...process.env, BENCH_USAGE_FILE: usage }, maxBuffer: 1e8 },
      (error, _stdout, stderr) => {
        const wallMillis = performance.now() - began
        if (error !== null) {
          const message = `the ${kind} ended with ${String(error.code)}: ${stderr.trim()}`
          return resume(Effect.fail(new BenchError({ message, exitCode: 1 })))
        }
        const { cpuMillis, peakBytes } = JSON.parse(readFileSync(usage, "utf8"))
        const fileBytes = kind === "rows" || kind === "summary" ? 0 : statSync(output).size
        resume(Effect.succeed({ kind, wallMillis, cpuMillis, peakBytes, fileBytes }))
      }
    )
    return Effect.sync(() => child.kill("SIGKILL"))
  })
