/**
 * Adapter over `node:child_process`: runs a command line by /bin/sh in a session and process group of its own, and never
 * leaves any of the group running.
 *
 * Laws: when the scope has closed, the group is gone: SIGTERM, then SIGKILL after the grace. When this process is killed
 * instead, the group goes the same way: beside it stands a watchdog, a shell in yet another session that reads from a
 * pipe of ours, and the end of that pipe is the end of us, however it came. The command does not begin before the
 * watchdog knows its group, so that there is no moment in which it could be left behind.
 *
 * The command has our environment without the secrets that belong to the campaign, unless they are given to it.
 *
 * Gotchas: a command that outlives us for its grace writes to nobody, which ends most programs. What starts a session of
 * its own (`setsid`, a daemon) leaves the group and is not followed. The dead of a group that nobody reaps, as in a
 * container without an init, are there for `kill`, but not for us: see `isThere`. Why not `effect/process`: it knows no
 * watchdog, and tells the signal that ended a process only inside an error message.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type ChildProcess, spawn as spawnChild } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { Writable } from "node:stream"
import { describeEnd } from "./AgentProcessError.ts"
import { ProcessLog } from "./ProcessLog.ts"
import type { ProcessEnd, RunningProcess, ShellCommand } from "./ProcessSpawner.ts"

/** The operating system would not start the command. */
export class ProcessNotStarted extends Schema.TaggedError<ProcessNotStarted>()("ProcessNotStarted", {
  detail: Schema.String
}) {}

const SHELL = "/bin/sh"
const DEFAULT_GRACE = Duration.seconds(5)
/** How long a killed group may take to be gone; only the kernel can hold it up. */
const KILL_PATIENCE = Duration.seconds(2)
/** How long output may come after the end of a process whose output others hold open as well. */
const OUTPUT_PATIENCE = Duration.millis(250)
const LOOK = Duration.millis(50)

/** What belongs to the campaign and to no agent. */
const SECRETS: ReadonlySet<string> = new Set(["CAMPAIGN_API_KEY", "CAMPAIGN_AGENT_TOKEN", "CAMPAIGN_SERVE_TOKEN"])

/** Begins when it is told to, and is the command from then on. */
const commandScript = `read -r _ <&3 || exit 1; exec 3<&-; exec ${SHELL} -c "$1"`

/** Is told the group, then that the group is gone; without the second the group has lost us. */
const watchdogScript = (graceMillis: number) =>
  [
    "read -r group || exit 0",
    "read -r _ && exit 0",
    `kill -s TERM -- "-$group"`,
    "n=0",
    `while [ $n -lt ${Math.ceil(graceMillis / 100)} ] && kill -s 0 -- "-$group"; do sleep 0.1; n=$((n+1)); done`,
    `kill -s KILL -- "-$group"`
  ].join("\n")

/** Starts the command line; it lives until its scope closes. Fails where there is nothing to start it with. */
export const spawn = Effect.fnUntraced(function*(command: ShellCommand) {
  const { line, logBytes, logFile, workingDirectory } = command
  const grace = Duration.fromInputUnsafe(command.grace ?? DEFAULT_GRACE)
  if (!existsSync(workingDirectory)) return yield* notStarted(`the directory ${workingDirectory} does not exist`)
  const log = yield* Effect.mapError(ProcessLog.open(logFile, logBytes), notStarted)
  const ended = Deferred.makeUnsafe<ProcessEnd>()
  const silent = Deferred.makeUnsafe<void>()

  const begin = Effect.gen(function*() {
    const watchdog = yield* launched(() =>
      spawnChild(SHELL, ["-c", watchdogScript(Duration.toMillis(grace))], {
        cwd: "/",
        env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
        detached: true,
        stdio: ["pipe", "ignore", "ignore"]
      })
    )
    const release = watchdog.stdin!
    // Who is told something when it is gone already needs it no more.
    release.on("error", () => {})
    const child = yield* launched(() => {
      const child = spawnChild(SHELL, ["-c", commandScript, "sh", line], {
        cwd: workingDirectory,
        env: environmentOf(command),
        detached: true,
        stdio: ["ignore", "pipe", "pipe", "pipe"]
      })
      child.on("exit", (exitCode, signal) => Deferred.doneUnsafe(ended, Effect.succeed({ exitCode, signal })))
      child.on("close", () => Deferred.doneUnsafe(silent, Effect.void))
      child.stdout!.on("data", log.add)
      child.stderr!.on("data", log.add)
      return child
    }).pipe(Effect.tapError(() => Effect.sync(() => release.end())))
    const pid = child.pid!
    release.write(`${pid}\n`)
    const go = child.stdio[3]
    if (go instanceof Writable) {
      go.on("error", () => {})
      go.end("go\n")
    }
    log.note(`${DateTime.formatIso(yield* DateTime.now)} started as process ${pid}`)
    return { child, pid, release }
  })

  const exit = Effect.tap(
    Deferred.await(ended),
    Effect.timeoutOption(Deferred.await(silent), OUTPUT_PATIENCE)
  )

  const end = Effect.fnUntraced(function*({ child, pid, release }: Effect.Success<typeof begin>) {
    yield* stopGroup(pid, grace)
    release.end("gone\n")
    yield* within(OUTPUT_PATIENCE, () => Deferred.isDoneUnsafe(silent))
    // What has left the group may hold the other end.
    child.stdout?.destroy()
    child.stderr?.destroy()
    const words = Deferred.isDoneUnsafe(ended) ? describeEnd(yield* Deferred.await(ended)) : "could not be ended"
    log.note(`${DateTime.formatIso(yield* DateTime.now)} process ${pid} ${words}`)
  })

  const { pid } = yield* Effect.acquireRelease(begin, end)
  const running: RunningProcess = { pid, exit, lastLines: Effect.sync(log.lastLines) }
  return running
})

const notStarted = (detail: string) => new ProcessNotStarted({ detail })

const environmentOf = ({ environment }: ShellCommand): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !SECRETS.has(name))),
  ...environment
})

/** The child once the system has started it. */
const launched = (start: () => ChildProcess): Effect.Effect<ChildProcess, ProcessNotStarted> =>
  Effect.callback((resume) => {
    const failed = (error: unknown) => resume(notStarted(error instanceof Error ? error.message : String(error)))
    const child = Result.try(start)
    if (Result.isFailure(child)) return failed(child.failure)
    child.success.on("error", failed)
    child.success.once("spawn", () => resume(Effect.succeed(child.success)))
  })

/** Ends all processes of the group, and returns when they are gone. */
const stopGroup = Effect.fnUntraced(function*(group: number, grace: Duration.Duration) {
  if (!isThere(group)) return
  signalGroup(group, "SIGTERM")
  if (yield* within(grace, () => !isThere(group))) return
  signalGroup(group, "SIGKILL")
  yield* within(KILL_PATIENCE, () => !isThere(group))
})

/** Whether something comes true in time. A timeout would not do: what releases a resource cannot be interrupted. */
const within = Effect.fnUntraced(function*(duration: Duration.Duration, condition: () => boolean) {
  const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)
  const until = (yield* now) + Duration.toMillis(duration)
  while (!condition()) {
    if ((yield* now) >= until) return false
    yield* Effect.sleep(LOOK)
  }
  return true
})

const signalGroup = (group: number, signal: NodeJS.Signals | 0): boolean =>
  Result.isSuccess(Result.try(() => process.kill(-group, signal)))

/** Whether anything of the group still runs: what has died and was not reaped counts as there for `kill` only. */
const isThere = (group: number): boolean => signalGroup(group, 0) && !isReapable(group)

/** Linux only: every process of the group is dead, and waits for somebody to ask how it died. */
const isReapable = (group: number): boolean => {
  const stats = Result.try(() => readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
  if (Result.isFailure(stats)) return false
  return stats.success.every((pid) => {
    const stat = Result.getOrElse(Result.try(() => readFileSync(`/proc/${pid}/stat`, "latin1")), () => "")
    // proc(5): after the name in parentheses come the state, the parent and the group.
    const [state, , its] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return Number(its) !== group || state === "Z" || state === "X"
  })
}
