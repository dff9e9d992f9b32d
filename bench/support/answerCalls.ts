/**
 * The child's side of the control channel: answers the bench's calls, and ends when the bench is gone.
 *
 * Calls come over Node's IPC channel and wait for the event loop. What the process has used is told by a thread of its
 * own, so that it is known of an agent that is busy for minutes.
 */
import { Worker } from "node:worker_threads"
import type { AnyCalls, Call, Reply } from "./protocol.ts"

type Handlers<Calls extends AnyCalls<Calls>> = {
  readonly [Name in keyof Calls]?: (input: Calls[Name]["input"]) => Promise<Calls[Name]["output"]>
}

/** Serves this process's calls for as long as the bench is there. */
export const answerCalls = <Calls extends AnyCalls<Calls>>(handlers: Handlers<Calls>): void => {
  const reply = (message: Reply<Calls>) => send(message)
  new Worker(new URL("./usageThread.ts", import.meta.url)).unref()
  process.on("message", (call: Call<Calls>) => {
    const handler = handlers[call.name] as ((input: unknown) => Promise<Calls[keyof Calls]["output"]>) | undefined
    if (handler === undefined) {
      return reply({ number: call.number, error: `this process does not know ${String(call.name)}` })
    }
    handler(call.input).then(
      (output) => reply({ number: call.number, output }),
      (error: unknown) =>
        reply({ number: call.number, error: error instanceof Error ? describe(error) : String(error) })
    )
  })
  process.on("disconnect", () => process.exit())
}

/** A reply that nobody waits for any more is dropped. */
const send = (message: object) => process.send?.(message, undefined, undefined, () => {})

/** Fetch errors say what happened only in their cause. */
const describe = (error: Error): string =>
  error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
