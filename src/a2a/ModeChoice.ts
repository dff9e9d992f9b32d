/**
 * In which way an agent's work is followed, and what is said of it: pure decisions, from what its card says, what its user
 * wants and what it then does.
 *
 * Unless a mode is forced it is the most that the card promises. A forced mode says how the work is begun: where the card
 * already shows that the agent cannot, it is refused with the modes that would do. What happens later to a connection is
 * nobody's wish, so a stream that broke is polled on also where streams were asked for.
 */
import * as Result from "effect/Result"
import { FailReason } from "../liveness/Failed.ts"
import type { DeliveryMode } from "./DeliveryMode.ts"

/** The modes that A2A alone can do; a tap needs somebody between an agent and its engine. */
export type AskedMode = Exclude<DeliveryMode, "tap">

/** What an agent's card says of how it can be followed. */
export interface AgentPromise {
  /** What the agent calls itself. */
  readonly name: string
  /** Whether it streams. */
  readonly streams: boolean
  /** Whether it speaks the token extension. */
  readonly exact: boolean
}

/** A mode, and why it is that one, as a clause. */
export interface Choice {
  readonly mode: AskedMode
  readonly why: string
}

/** The agent in words. */
export const inWords = ({ name }: AgentPromise, url: string): string => `"${name}" at ${url}`

/** How to go on, or why it cannot be gone on as it was wished. */
export type Decision = Result.Result<Choice, FailReason>

/** How to begin. */
export const begin = ({ streams }: AgentPromise, forced: AskedMode | undefined, agent: string): Decision => {
  if (forced === "stream" && !streams) {
    return Result.fail(unsupported(
      `the card of ${agent} says that it does not stream (capabilities.streaming); ` +
        "mode poll or mode blocking would do, or none, which chooses"
    ))
  }
  if (forced !== undefined) return Result.succeed({ mode: forced, why: `mode ${forced} was asked for` })
  return Result.succeed(
    streams
      ? { mode: "stream", why: "its card says that it streams" }
      : { mode: "poll", why: "its card says that it does not stream" }
  )
}

/** The agent refuses to stream, though its card says that it does. */
export const refusedStream = (forced: AskedMode | undefined, agent: string, said: string): Decision =>
  forced === "stream"
    ? Result.fail(unsupported(
      `${agent} refuses to stream, though its card says that it does: ${said}; mode poll or mode blocking may do`
    ))
    : Result.succeed({ mode: "poll", why: `it refuses to stream, though its card says that it does: ${said}` })

/** The stream of a task has ended before the task, and there is no way to go on with it. */
export const lostStream = (reason: FailReason): Choice => ({
  mode: "poll",
  why: `its stream ${reason._tag === "Truncated" ? "ended before its task" : "broke"} and could not be resumed`
})

/** The agent does not answer a message that asks not to be awaited. `millis` is how long it had. */
export const unanswered = (
  forced: AskedMode | undefined,
  { streams }: AgentPromise,
  agent: string,
  millis: number
): Decision => {
  const within = `within ${seconds(millis)}`
  return forced === "poll"
    ? Result.fail(unsupported(
      `${agent} did not answer ${within}, though it was asked not to wait (returnImmediately), so there is no task to ` +
        `poll; mode ${streams ? "stream or mode " : ""}blocking would do`
    ))
    : Result.succeed({
      mode: "blocking",
      why: `it did not answer ${within}, though it was asked not to wait, so it answers only at its end`
    })
}

/** The agent refuses a message that asks not to be awaited. */
export const refusedPoll = (
  forced: AskedMode | undefined,
  { streams }: AgentPromise,
  agent: string,
  said: string
): Decision =>
  forced === "poll"
    ? Result.fail(unsupported(
      `${agent} refuses a message that asks not to be awaited (returnImmediately): ${said}; ` +
        `mode ${streams ? "stream or mode " : ""}blocking would do`
    ))
    : Result.succeed({ mode: "blocking", why: `it refuses a message that asks not to be awaited: ${said}` })

/** The first answer of the agent was the whole. */
export const answeredWhole = (millis: number): Choice => ({
  mode: "blocking",
  why: `its first answer, after ${seconds(millis)}, was its end`
})

/** The agent answered with a task that goes on. `millis` is how long that took. */
export const answeredOpen = (forced: AskedMode | undefined, agent: string, millis: number): Decision =>
  forced === "blocking"
    ? Result.fail(unsupported(
      `${agent} does not wait for the end of its task: it answered after ${
        seconds(millis)
      }, with a task that goes on; ` +
        "mode poll would do"
    ))
    : Result.succeed({
      mode: "poll",
      why: `it answered after ${seconds(millis)}, with a task that goes on`
    })

/** The agent does not say how its task stands. */
export const unpollable = ({ streams }: AgentPromise, agent: string, said: string): FailReason =>
  unsupported(
    `${agent} began a task and does not say how it stands (GetTask: ${said}), so it cannot be polled; ` +
      `mode ${streams ? "stream or mode " : ""}blocking would do`
  )

const unsupported = (detail: string): FailReason => FailReason.cases.Unsupported.make({ detail })

const seconds = (millis: number): string => `${Math.round(millis / 100) / 10} s`
