/**
 * Runs the function of an untrusted answer on given arguments, in a process of its own that can do nothing but compute:
 * an empty environment, the root as working directory, bounded memory, time and output, no files to write, and the walls
 * of `Confinement.ts`, the best that this machine can build. Each kind is tried once, with the very options, when the
 * layer is built.
 *
 * - JavaScript and TypeScript run in Node under its permission model without any permission and without `eval`;
 *   `SandboxProgram.ts` encloses the answer once more in a `node:vm` context.
 * - Python has no such thing, only an audit hook; see `PythonProgram.ts`.
 *
 * Laws: one outcome per call, in order; expected values never come here; interruption kills the process before it
 * returns; at most as many sandboxes run at once as there are processors, and waiting for a turn costs no time limit.
 *
 * Gotchas: promises are not awaited (a function that returns one returned something that is not JSON). Without walls,
 * nothing denies the network to a Node process; an answer would have to leave the context and find a socket in an
 * emptied realm.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { availableParallelism } from "node:os"
import { confine, type ConfinementKind, confinementKinds, describeKind, type Host } from "./Confinement.ts"
import { GradingError } from "./GradingError.ts"
import { findPython, readHost } from "./HostTools.ts"
import { isJson } from "./JsonEquality.ts"
import { runToEnd } from "./NodeChildProcess.ts"
import { defaultLimits, type SandboxLimits } from "./SandboxLimits.ts"
import { fromProgramEnd, type SandboxOutcome } from "./SandboxOutcome.ts"
import * as Runtime from "./SandboxRuntime.ts"
import { FunctionName, PythonFunctionName } from "./Task.ts"

export interface SandboxRun {
  readonly code: string
  /** TypeScript is run after its types are erased. Default: JavaScript. */
  readonly language?: "javascript" | "typescript" | "python"
  readonly functionName: string
  /** The arguments of each call; JSON values. */
  readonly calls: ReadonlyArray<ReadonlyArray<unknown>>
  readonly limits?: Partial<SandboxLimits>
}

export interface SandboxOptions {
  /** How many sandbox processes may run at once. Default: the number of processors. */
  readonly concurrency?: number
  /** The Node executable, absolute. Default: the one that runs this process. */
  readonly nodePath?: string
  /** The command that starts Python. Default: python3. */
  readonly pythonCommand?: string
  /** What an answer may use up, where a run does not say it itself. */
  readonly limits?: Partial<SandboxLimits>
  /** The kinds of walls that may be used, best first; `limits` is what is left if none works. Default: all. */
  readonly kinds?: ReadonlyArray<ConfinementKind>
}

const isFunctionName = Schema.is(FunctionName)
const isPythonFunctionName = Schema.is(PythonFunctionName)
const errorOutputBytes = 8_192
/** For the lines around the results: each holds a detail of at most 200 characters, escaped at worst sixfold. */
const protocolBytesPerCall = 1_500

const invalid = (detail: string) => new GradingError({ reason: { _tag: "InvalidSpecification", detail } })

const encodeCalls = (calls: SandboxRun["calls"]) =>
  Effect.forEach(calls, (call, index) =>
    isJson(call)
      ? Effect.succeed(JSON.stringify(call))
      : Effect.fail(invalid(`the arguments of test ${index + 1} are not JSON`)))

interface Walls {
  readonly kind: ConfinementKind
  readonly host: Host
}

/** User numbers that no real user has; each run gets the next, and other processes begin elsewhere. */
const firstIdentity = 1_500_000_000 + (process.pid % 65_536) * 4_096
let identities = 0
const nextIdentity = (): number => firstIdentity + (identities++ % 4_096)

const start = (walls: Walls, runtime: Runtime.Runtime, limits: SandboxLimits, input: string, outputBytes: number) =>
  Effect.suspend(() =>
    runToEnd({
      ...confine(walls.kind, walls.host, { ...runtime, identity: nextIdentity() }),
      input,
      wallLimit: Duration.millis(limits.wallMillis),
      memoryMegabytes: limits.memoryMegabytes,
      ...(runtime.addressMegabytes === undefined ? {} : { addressMegabytes: runtime.addressMegabytes }),
      fileBytes: 0,
      // Only for a process that nobody watches any more: with V8's four helper threads the wall limit comes first.
      cpuSeconds: Math.ceil(limits.wallMillis / 1000) * 6 + 10,
      outputBytes,
      errorOutputBytes
    })
  )

/** Long, since a machine that is busy for a moment must not get weaker walls for a night. */
const trialLimits: SandboxLimits = { ...defaultLimits, wallMillis: 60_000 }

/** Whether the walls stand: the very program that is to run behind them says that it is ready. */
const isUsable = (walls: Walls, runtime: Runtime.Runtime) =>
  start(walls, runtime, trialLimits, Runtime.emptyRequest, protocolBytesPerCall).pipe(
    Effect.map((end) => end.output.startsWith("{\"_tag\":\"Ready\"}")),
    Effect.orElseSucceed(() => false)
  )

const chooseWalls = Effect.fnUntraced(function*(kinds: ReadonlyArray<ConfinementKind>, runtime: Runtime.Runtime) {
  const host = readHost()
  for (const kind of kinds) {
    // A root that may not become somebody else (in some containers) may still build walls as anybody can.
    for (const asRoot of host.isRoot ? [true, false] : [false]) {
      const walls: Walls = { kind, host: { ...host, isRoot: asRoot } }
      if (kind === "limits" || (kind === "bubblewrap" && host.bubblewrap === undefined)) continue
      if (yield* isUsable(walls, runtime)) return walls
    }
  }
  const none: Walls = { kind: "limits", host }
  return none
})

export class Sandbox extends Context.Service<Sandbox, {
  /** Behind which walls answers run. */
  readonly kind: ConfinementKind
  /** The same for people. */
  readonly description: string
  /** Fails with `ToolMissing` where answers in that language cannot be run on this machine. */
  readonly check: (language: "javascript" | "python") => Effect.Effect<void, GradingError>
  /**
   * Loads the code and makes the calls one after the other, in one process and one interpreter.
   * Fails with a `GradingError` only where the answer is not to blame.
   */
  readonly run: (run: SandboxRun) => Effect.Effect<ReadonlyArray<SandboxOutcome>, GradingError>
}>()("a2a-campaign/Sandbox") {
  static readonly layerWith = (options: SandboxOptions): Layer.Layer<Sandbox> =>
    Layer.effect(
      Sandbox,
      Effect.gen(function*() {
        const node = yield* Effect.sync(() => Runtime.forNode(options.nodePath ?? process.execPath))
        const turns = yield* Semaphore.make(options.concurrency ?? availableParallelism())
        const walls = yield* chooseWalls(options.kinds ?? confinementKinds, node(defaultLimits))
        // Only success is kept: what is missing may be installed while a campaign waits.
        const python = yield* Effect.map(findPython(options.pythonCommand ?? "python3"), Runtime.forPython).pipe(
          Effect.cachedWithTTL((exit) => Exit.isSuccess(exit) ? Duration.infinity : 0)
        )

        const run = Effect.fn("Sandbox.run")(function*(request: SandboxRun) {
          const limits = { ...defaultLimits, ...options.limits, ...request.limits }
          const language = request.language ?? "javascript"
          if (!(language === "python" ? isPythonFunctionName : isFunctionName)(request.functionName)) {
            return yield* invalid(`"${request.functionName}" cannot be the name of a function`)
          }
          const calls = yield* encodeCalls(request.calls)
          const runtime = language === "python" ? (yield* python)(limits) : node(limits)
          const input = Runtime.encodeRequest({ ...request, language, calls }, limits, runtime)
          const end = yield* start(
            walls,
            runtime,
            limits,
            input,
            limits.outputBytes + protocolBytesPerCall * (calls.length + 1)
          ).pipe(
            turns.withPermit,
            Effect.mapError(({ detail }) => new GradingError({ reason: { _tag: "SandboxNotStarted", detail } }))
          )
          return yield* Effect.fromResult(
            fromProgramEnd(end, calls.length, limits.callMillis, { trusted: language !== "python" })
          )
        })
        return Sandbox.of({
          kind: walls.kind,
          description: describeKind[walls.kind],
          check: (language) => language === "python" ? Effect.asVoid(python) : Effect.void,
          run
        })
      })
    )

  static readonly layer = this.layerWith({})
}
