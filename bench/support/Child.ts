/**
 * A child process of the bench, as a scoped resource with calls (adapter for `node:child_process`).
 *
 * It runs on the Node that runs the bench, with the same options (`node --cpu-prof bench/main.ts relay` profiles every
 * process). What it prints goes to stderr, because stdout belongs to the results. When the scope ends the child is
 * told to end, and killed if it is too busy to listen.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcess, fork } from "node:child_process"
import { createInterface } from "node:readline"
import type { Duplex } from "node:stream"
import { BenchError } from "./BenchError.ts"
import { type AnyCalls, type Call, type Reply, type Usage, USAGE_DESCRIPTOR } from "./protocol.ts"

/** How long a child may take to end by itself. */
const END_GRACE = "2 seconds"

export interface Child<Calls extends AnyCalls<Calls>> {
  /** Fails when the child cannot do it, or ends. */
  readonly call: <Name extends keyof Calls>(
    name: Name,
    input: Calls[Name]["input"]
  ) => Effect.Effect<Calls[Name]["output"], BenchError>
  /** What the process has used so far. Answered at once, however busy it is. */
  readonly usage: Effect.Effect<Usage, BenchError>
}

/** Starts a script that answers calls. */
export const start = <Calls extends AnyCalls<Calls>>(
  name: string,
  script: URL
): Effect.Effect<Child<Calls>, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => fork(script, { execPath: process.execPath, stdio: ["ignore", 2, 2, "ipc", "pipe"] })),
      end
    ),
    (child) => connect<Calls>(name, child)
  )

const connect = <Calls extends AnyCalls<Calls>>(childName: string, child: ChildProcess): Child<Calls> => {
  type Answer = Effect.Effect<Calls[keyof Calls]["output"], BenchError>
  const pending = new Map<number, (answer: Answer) => void>()
  const failed = (message: string) => Effect.fail(new BenchError({ message: `${childName}: ${message}`, exitCode: 1 }))
  let calls = 0
  let ended: string | undefined

  const settle = (number: number, answer: Answer) => {
    pending.get(number)?.(answer)
    pending.delete(number)
  }
  const giveUp = (message: string) => {
    ended ??= message
    for (const number of pending.keys()) settle(number, failed(message))
  }
  child.on(
    "message",
    (reply: Reply<Calls>) => settle(reply.number, "error" in reply ? failed(reply.error) : Effect.succeed(reply.output))
  )
  child.on("error", (error) => giveUp(error.message))
  child.on("exit", (code, signal) => giveUp(`the process ended (${signal ?? `exit code ${code}`})`))

  const usageSocket = child.stdio[USAGE_DESCRIPTOR] as Duplex
  // A child that ends resets it; that it has ended is known already.
  usageSocket.on("error", () => {})
  const usageLines = createInterface({ input: usageSocket })

  return {
    usage: Effect.callback((resume) => {
      if (ended !== undefined) return resume(failed(ended))
      const settle = (line: string) => {
        usageLines.off("close", abandon)
        resume(Effect.succeed(JSON.parse(line) as Usage))
      }
      const abandon = () => {
        usageLines.off("line", settle)
        resume(failed("the process ended"))
      }
      usageLines.once("line", settle)
      usageLines.once("close", abandon)
      usageSocket.write("?")
    }),
    call: <Name extends keyof Calls>(name: Name, input: Calls[Name]["input"]) =>
      Effect.callback<Calls[Name]["output"], BenchError>((resume) => {
        if (ended !== undefined) return resume(failed(ended))
        const call: Call<Calls> = { number: calls++, name, input }
        // Which answer belongs to which call is known by the number alone.
        pending.set(call.number, resume as (answer: Answer) => void)
        child.send(call)
        return Effect.sync(() => {
          pending.delete(call.number)
        })
      })
  }
}

const end = (child: ChildProcess): Effect.Effect<void> => {
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  const exit = Effect.callback<void>((resume) => {
    if (hasEnded()) return resume(Effect.void)
    const settle = () => resume(Effect.void)
    child.once("exit", settle)
    return Effect.sync(() => {
      child.off("exit", settle)
    })
  })
  return Effect.suspend(() => {
    if (child.connected) child.disconnect()
    return Effect.timeoutOrElse(exit, {
      duration: END_GRACE,
      orElse: () => {
        child.kill("SIGKILL")
        return exit
      }
    })
  })
}
