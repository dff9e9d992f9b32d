/** The command as a person starts it: a process of its own. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { constants } from "node:os"
import { join } from "node:path"

export const root = join(import.meta.dirname, "../..")
export const script = join(root, "bin/campaign")
/** What other scripts than the command, which keeps its own, have compiled: most of them start several processes. */
const compiled = join(root, "node_modules/.cache/a2a-campaign/compiled")

export interface CommandOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly directory?: string
  readonly nodeOptions?: ReadonlyArray<string>
  readonly script?: string
}

export interface Running {
  readonly child: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  /** The exit code as a shell tells it, once the process is gone. */
  readonly exit: Effect.Effect<number>
  /** Waits for a line on stdout or stderr; dies after 20 s. */
  readonly line: (pattern: RegExp) => Effect.Effect<RegExpExecArray>
  /** Whether any process that the command started is still there. */
  readonly anyLeft: () => boolean
}

/** Starts the command in a process group of its own, which is killed with the scope. */
export const start = (
  args: ReadonlyArray<string>,
  options: CommandOptions = {}
): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { CI: _, ...environment } = process.env
      const child = spawn(process.execPath, [...options.nodeOptions ?? [], options.script ?? script, ...args], {
        cwd: options.directory ?? root,
        env: {
          ...environment,
          ...(options.script === undefined ? {} : { NODE_COMPILE_CACHE: compiled }),
          ...options.environment
        },
        detached: true,
        stdio: ["ignore", "pipe", "pipe"]
      })
      let stdout = ""
      let stderr = ""
      child.stdout.on("data", (data: Buffer) => {
        stdout += data.toString()
      })
      child.stderr.on("data", (data: Buffer) => {
        stderr += data.toString()
      })
      const exited = new Promise<number>((resolve) =>
        child.on("close", (code, signal) => resolve(code ?? 128 + constants.signals[signal!]))
      )
      const line = (pattern: RegExp) =>
        Effect.gen(function*() {
          const until = performance.now() + 20_000
          while (true) {
            const found = pattern.exec(`${stdout}\n${stderr}`)
            if (found !== null) return found
            if (performance.now() > until || child.exitCode !== null) {
              return yield* Effect.die(new Error(`no line like ${pattern}: ${stdout}${stderr}`))
            }
            yield* Effect.sleep(20)
          }
        })
      return {
        child,
        stdout: () => stdout,
        stderr: () => stderr,
        exit: Effect.promise(() => exited),
        line,
        anyLeft: () => signalGroup(child, 0)
      }
    }),
    ({ child }) => Effect.sync(() => signalGroup(child, "SIGKILL"))
  )

/** Runs the command to its end. */
export const run = (args: ReadonlyArray<string>, options: CommandOptions = {}) =>
  Effect.scoped(Effect.gen(function*() {
    const running = yield* start(args, options)
    const code = yield* running.exit
    return { code, stdout: running.stdout(), stderr: running.stderr() }
  }))

const signalGroup = (child: ChildProcess, signal: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(-child.pid!, signal)
  } catch {
    return false
  }
}
