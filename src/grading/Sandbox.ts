/**
 * Runs the function of an untrusted answer on given arguments, in a Node process of its own that can do nothing but
 * compute: Node's permission model without any permission, no `eval`, an empty environment, the root as working
 * directory, bounded heap, memory, time and output. `SandboxProgram.ts` is what runs in it; there the answer is
 * enclosed once more in a `node:vm` context.
 *
 * Laws: one outcome per call, in order; expected values never come here; interruption kills the process before it
 * returns; at most as many sandboxes run at once as there are processors, and waiting for a turn costs no time limit.
 *
 * Gotchas: promises are not awaited (a function that returns one returned something that is not JSON). Node 24 cannot
 * deny the network to a process; an answer would have to leave the context and find a socket in an emptied realm.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { readFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { GradingError } from "./GradingError.ts"
import { isJson } from "./JsonEquality.ts"
import { runToEnd } from "./NodeChildProcess.ts"
import { fromProgramEnd, type SandboxOutcome } from "./SandboxOutcome.ts"
import { FunctionName } from "./Task.ts"

export interface SandboxLimits {
  /** Loading the code, and each call. */
  readonly callMillis: number
  /** The whole process, its start included. */
  readonly wallMillis: number
  /** JavaScript heap, in MiB. */
  readonly heapMegabytes: number
  /** All data of the process, in MiB, array buffers included; see `NodeChildProcess.ts` for why it is so large. */
  readonly memoryMegabytes: number
  /** All results together, as JSON. */
  readonly outputBytes: number
}

export const defaultLimits: SandboxLimits = {
  callMillis: 2_000,
  wallMillis: 10_000,
  heapMegabytes: 64,
  memoryMegabytes: 2_048,
  outputBytes: 1_000_000
}

export interface SandboxRun {
  readonly code: string
  /** TypeScript is run after its types are erased. Default: JavaScript. */
  readonly language?: "javascript" | "typescript"
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
}

const isFunctionName = Schema.is(FunctionName)
const errorOutputBytes = 8_192
/** For the lines around the results: each holds a detail of at most 200 characters, escaped at worst sixfold. */
const protocolBytesPerCall = 1_500

/** The text of the program and how Node is to read it: from source it is TypeScript, from the package JavaScript. */
const readProgram = () => {
  const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js"
  return {
    text: readFileSync(new URL(`./SandboxProgram${extension}`, import.meta.url), "utf8"),
    inputType: extension === ".ts" ? "module-typescript" : "module"
  }
}

/** The flags that take everything from a Node process but computing. */
export const confinement = (limits: Pick<SandboxLimits, "heapMegabytes">): ReadonlyArray<string> => [
  "--permission",
  "--disallow-code-generation-from-strings",
  `--max-old-space-size=${limits.heapMegabytes}`,
  "--disable-warning=ExperimentalWarning"
]

const invalid = (detail: string) => new GradingError({ reason: { _tag: "InvalidSpecification", detail } })

const encodeCalls = (calls: SandboxRun["calls"]) =>
  Effect.forEach(calls, (call, index) =>
    isJson(call)
      ? Effect.succeed(JSON.stringify(call))
      : Effect.fail(invalid(`the arguments of test ${index + 1} are not JSON`)))

export class Sandbox extends Context.Service<Sandbox, {
  /**
   * Loads the code and makes the calls one after the other, in one process and one JavaScript realm.
   * Fails with a `GradingError` only where the answer is not to blame.
   */
  readonly run: (run: SandboxRun) => Effect.Effect<ReadonlyArray<SandboxOutcome>, GradingError>
}>()("a2a-campaign/Sandbox") {
  static readonly layerWith = (options: SandboxOptions): Layer.Layer<Sandbox> =>
    Layer.effect(
      Sandbox,
      Effect.gen(function*() {
        const program = yield* Effect.sync(readProgram)
        const turns = yield* Semaphore.make(options.concurrency ?? availableParallelism())
        const executable = options.nodePath ?? process.execPath

        const run = Effect.fn("Sandbox.run")(function*(request: SandboxRun) {
          const limits = { ...defaultLimits, ...request.limits }
          if (!isFunctionName(request.functionName)) {
            return yield* invalid(`"${request.functionName}" cannot be the name of a function`)
          }
          const calls = yield* encodeCalls(request.calls)
          const end = yield* runToEnd({
            executable,
            arguments: [...confinement(limits), `--input-type=${program.inputType}`, "--eval", program.text],
            input: JSON.stringify({
              code: request.code,
              language: request.language ?? "javascript",
              functionName: request.functionName,
              calls,
              callMillis: limits.callMillis,
              outputBytes: limits.outputBytes
            }),
            wallLimit: Duration.millis(limits.wallMillis),
            memoryMegabytes: limits.memoryMegabytes,
            // Only for a process that nobody watches any more: with V8's four helper threads the wall limit comes first.
            cpuSeconds: Math.ceil(limits.wallMillis / 1000) * 6 + 10,
            outputBytes: limits.outputBytes + protocolBytesPerCall * (calls.length + 1),
            errorOutputBytes
          }).pipe(
            turns.withPermit,
            Effect.mapError(({ detail }) => new GradingError({ reason: { _tag: "SandboxNotStarted", detail } }))
          )
          return yield* Effect.fromResult(fromProgramEnd(end, calls.length, limits.callMillis))
        })
        return Sandbox.of({ run })
      })
    )

  static readonly layer = this.layerWith({})
}
