// Faults take minutes; here minutes are virtual while sockets are real. A conversation is a request whose answer is read
// as it comes, so that a test can look at what a client has got at any moment of virtual time.
// @effect-diagnostics globalTimers:off
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { request } from "node:http"
import type { JournalEvent } from "../../../src/simulator/Journal.ts"
import { Simulator } from "../../../src/simulator/Simulator.ts"
import { get, textOf, userMessage } from "../harness.ts"
import { type Metrics, parseMetrics } from "../metricsText.ts"

/** Lets sockets work for a moment of real time. */
const turn = Effect.callback<void>((resume) => {
  setTimeout(() => resume(Effect.void), 1)
})

/** Repeats `check` while sockets work, until it holds; gives up after about three seconds of real time. */
export const eventually = <A, E, R>(check: Effect.Effect<A, E, R>, holds: (value: A) => boolean) =>
  Effect.gen(function*() {
    for (let turns = 0; turns < 2000; turns++) {
      const value = yield* check
      if (holds(value)) return value
      yield* turn
    }
    return yield* Effect.die(new Error(`never came true: ${JSON.stringify(yield* check)?.slice(0, 2000)}`))
  })

/** Lets virtual time pass in steps, and sockets work after each, and `settling` times more at the end. */
export const pass = (seconds: number, step = 1, settling = 10) =>
  Effect.gen(function*() {
    for (let passed = 0; passed < seconds; passed += step) {
      yield* TestClock.adjust(Math.min(step, seconds - passed) * 1000)
      yield* turn
    }
    // What the last step set free is on its way.
    yield* Effect.repeat(turn, { times: settling })
  })

export interface Conversation {
  status: number | undefined
  headers: Record<string, string | ReadonlyArray<string> | undefined>
  body: Buffer
  /** "complete": as HTTP wants it; "broken": the connection ended before. */
  state: "waiting" | "reading" | "complete" | "broken"
  error: string | undefined
  leave: () => void
}

export const textSoFar = (conversation: Conversation) => conversation.body.toString("utf8")

/** The data of the events that are complete. */
export const eventsOf = (conversation: Conversation): ReadonlyArray<string> =>
  textSoFar(conversation).split(/\r?\n\r?\n/).slice(0, -1).flatMap((event) =>
    event.split(/\r?\n/).filter((line) => line.startsWith("data: ")).map((line) => line.slice(6))
  )

export const chunksSoFar = (conversation: Conversation): ReadonlyArray<any> =>
  eventsOf(conversation).filter((data) => data !== "[DONE]").map((data) => JSON.parse(data))

/** The number of chunks with content. */
export const told = (conversation: Conversation): number =>
  chunksSoFar(conversation).filter((chunk) => (chunk.choices?.[0]?.delta?.content ?? "") !== "").length

export const finishReasonOf = (conversation: Conversation): string | undefined =>
  chunksSoFar(conversation).map((chunk) => chunk.choices?.[0]?.finish_reason).find((reason) => reason != null)

/** Asks, and reads beside everything else. `fault` goes into the request's header. */
export const ask = (
  options: {
    readonly fault?: string
    readonly headers?: Record<string, string>
    readonly body?: object
    readonly path?: string
  } = {}
) =>
  Effect.gen(function*() {
    const { url } = yield* Simulator
    return yield* Effect.acquireRelease(
      Effect.sync(() => {
        const conversation: Conversation = {
          status: undefined,
          headers: {},
          body: Buffer.alloc(0),
          state: "waiting",
          error: undefined,
          leave: () => sent.destroy()
        }
        const sent = request(
          url + (options.path ?? "/v1/chat/completions"),
          {
            method: "POST",
            agent: false,
            headers: {
              "content-type": "application/json",
              ...(options.fault === undefined ? {} : { "x-sim-fault": options.fault }),
              ...options.headers
            }
          },
          (response) => {
            conversation.status = response.statusCode
            conversation.headers = response.headers
            conversation.state = "reading"
            response.on("data", (data: Buffer) => {
              conversation.body = Buffer.concat([conversation.body, data])
            })
            response.on("close", () => {
              conversation.state = response.complete ? "complete" : "broken"
            })
            response.on("error", (error: NodeJS.ErrnoException) => {
              conversation.error = error.code ?? error.message
            })
          }
        )
        sent.on("error", (error: NodeJS.ErrnoException) => {
          conversation.error ??= error.code ?? error.message
          conversation.state = "broken"
        })
        sent.end(JSON.stringify({
          ...userMessage("Hi"),
          stream: true,
          stream_options: { include_usage: true, continuous_usage_stats: true },
          ...options.body
        }))
        return conversation
      }),
      (conversation) => Effect.sync(conversation.leave)
    )
  })

/** Until it is so, with virtual time standing still. */
export const until = (conversation: Conversation, holds: (conversation: Conversation) => boolean) =>
  eventually(Effect.sync(() => conversation), holds)

export const journal: Effect.Effect<ReadonlyArray<JournalEvent>, never, Simulator> = Effect.flatMap(
  Simulator,
  (simulator) => simulator.journal
)

/** The kinds of the events of the n-th request, counted from 0; or of the server. */
export const kindsOf = (nth: number | "server") =>
  Effect.map(journal, (events) => {
    const ids = events.filter(({ event }) => event === "request").map(({ request }) => request)
    const id = nth === "server" ? nth : ids[nth]
    return events.filter(({ request }) => request === id).map(({ event }) => event)
  })

export const scrape: Effect.Effect<Metrics, never, Simulator> = Effect.map(
  Effect.flatMap(get("/metrics"), textOf),
  parseMetrics
)

/** The series that differ, but for the timestamp that always does. */
export const changes = (before: Metrics, after: Metrics): ReadonlyArray<string> =>
  Array.from(after.all).filter(([name, value]) =>
    before.all.get(name) !== value && !name.includes("lora_requests_info")
  )
    .map(([name]) => name.replace(/\{.*/, ""))
