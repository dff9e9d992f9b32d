// Clients that fall silent or vanish, in every state, one by one and a thousand at once: the server notices, frees what
// they held, and serves the others.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import type { JournalEventKind } from "../../src/simulator/Journal.ts"
import {
  assertWell,
  get,
  journal,
  rawConnection,
  rawRequest,
  simulator,
  streams,
  userMessage,
  within1Second
} from "./harness.ts"

/** An engine whose answers do not end by themselves; two run, the others wait. */
const endless = (timeToFirstTokenMillis: number) =>
  simulator({
    timeToFirstTokenMillis,
    interTokenMillis: 2,
    maxConcurrentRequests: 2,
    answers: { _tag: "LengthOnly", tokens: 1_000_000 }
  })

const streamed = (prompt: string) => ({ ...userMessage(prompt), stream: true })
const halfHead = "POST /v1/chat/completions HTTP/1.1\r\nho"
const halfBody = rawRequest(streamed("never whole")).slice(0, -10)

type Raw = Effect.Success<typeof rawConnection>
const until = (holds: () => boolean) => within1Second(Effect.sync(holds), (held) => held)
const received = (raw: Raw, text: string) => until(() => raw.received.includes(text))
const stateIs = (state: string) => () =>
  within1Second(streams, (open) => open.some((one) => one.prompt === "leaver" && one.state === state))

interface State {
  readonly name: string
  readonly bytes: string
  /** Where the client is when it leaves. */
  readonly reached?: (raw: Raw) => Effect.Effect<unknown, unknown, any>
  readonly firstTokenMillis?: number
  /** Others that take all the places. */
  readonly crowded?: boolean
  /** What the journal says of its request in the end; empty if there never was one. */
  readonly ends: ReadonlyArray<JournalEventKind>
}

const aborted = ["close-seen", "abort-honoured"] as const
const never = 60_000
const states: ReadonlyArray<State> = [
  { name: "before its first byte", bytes: "", ends: [] },
  { name: "in the middle of the head", bytes: halfHead, ends: [] },
  { name: "in the middle of the body", bytes: halfBody, ends: [] },
  { name: "queued", bytes: rawRequest(streamed("leaver")), reached: stateIs("queued"), crowded: true, ends: aborted },
  {
    name: "in prefill",
    bytes: rawRequest(streamed("leaver")),
    reached: stateIs("prefill"),
    firstTokenMillis: never,
    ends: aborted
  },
  {
    name: "between two tokens",
    bytes: rawRequest(streamed("leaver")),
    reached: (raw) => received(raw, "token"),
    ends: aborted
  },
  {
    name: "with unread tokens",
    bytes: rawRequest(streamed("leaver")),
    reached: ({ socket }) => Effect.andThen(Effect.sync(() => socket.pause()), stateIs("decoding")()),
    ends: aborted
  },
  {
    name: "waiting for a whole answer",
    bytes: rawRequest(userMessage("leaver")),
    reached: stateIs("decoding"),
    ends: aborted
  },
  {
    name: "after its answer",
    bytes: rawRequest({ ...userMessage("leaver"), max_tokens: 2 }),
    reached: (raw) => received(raw, "total_tokens"),
    ends: ["chunk", "finish", "end"]
  }
]

const leaveAfter = (state: State, how: "reset" | "close" | "end") =>
  Effect.gen(function*() {
    if (state.crowded === true) {
      for (const prompt of ["a", "b"]) (yield* rawConnection).socket.write(rawRequest(streamed(prompt)))
      yield* within1Second(streams, (open) => open.length === 2)
    }
    const others = (yield* streams).length
    const raw = yield* rawConnection
    if (state.bytes !== "") raw.socket.write(state.bytes)
    yield* state.reached?.(raw) ?? Effect.sleep(20)
    if (how === "reset") raw.socket.resetAndDestroy()
    else if (how === "end") raw.socket.end()
    else raw.socket.destroy()
    yield* within1Second(streams, (open) => open.length === others)
    yield* journal.pipe(
      Effect.map((events) => {
        const id = events.findLast(({ event }) => event === "request")?.request
        return state.ends.length === 0 ? [] : events.filter(({ request }) => request === id).map(({ event }) => event)
      }),
      within1SecondEnding(state.ends)
    )
    if (how === "end" && state.ends !== aborted) yield* until(() => raw.closed)
    assert.strictEqual((yield* get("/health")).status, 200)
  }).pipe(Effect.scoped)

const within1SecondEnding =
  (ends: ReadonlyArray<string>) => <R>(events: Effect.Effect<ReadonlyArray<string>, never, R>) =>
    within1Second(events, (seen) => seen.slice(seen.length - ends.length).join() === ends.join())

describe("Simulator: a client that vanishes", () => {
  for (const state of states) {
    it.live(`${state.name}: by a reset or a close`, () =>
      Effect.gen(function*() {
        yield* leaveAfter(state, "reset")
        yield* leaveAfter(state, "close")
        if ((state.firstTokenMillis ?? 0) < never) yield* assertWell
      }).pipe(Effect.provide(endless(state.firstTokenMillis ?? 5))))
  }

  for (const state of states.slice(0, 3)) {
    it.live(`${state.name}: by ending its side`, () =>
      Effect.gen(function*() {
        yield* leaveAfter(state, "end")
        yield* assertWell
      }).pipe(Effect.provide(endless(5))))
  }
})

describe("Simulator: a client that falls silent", () => {
  it.live("in the middle of a request keeps nobody else waiting, and may go on", () =>
    Effect.gen(function*() {
      const silent = yield* Effect.forEach(["", halfHead, halfBody], (bytes) =>
        Effect.tap(rawConnection, ({ socket }) =>
          Effect.sync(() => {
            if (bytes !== "") {
              socket.write(bytes)
            }
          })))
      yield* assertWell
      yield* Effect.sleep(100)
      assert.isTrue(silent.every((raw) =>
        !raw.closed && raw.received === ""
      ))
      silent[2]!.socket.write(rawRequest(streamed("never whole")).slice(-10))
      yield* received(silent[2]!, "token")
    }).pipe(Effect.scoped, Effect.provide(endless(5))))
})

const connections = 1000

/** Sockets of this process, those of clients and of servers. */
const sockets = Effect.sync(() =>
  process.getActiveResourcesInfo().filter((resource) => resource === "TCPSocketWrap").length
)

setFlagsFromString("--expose-gc")
const collectGarbage: () => void = runInNewContext("gc")

/** Bytes in use after everything that can be thrown away was. */
const heap = Effect.gen(function*() {
  // What waits for the next turns of the event loop holds memory, too.
  for (let turn = 0; turn < 3; turn++) {
    yield* Effect.sleep(5)
    collectGarbage()
  }
  return process.memoryUsage().heapUsed
})

/** Opens a thousand connections, a quarter in each state, and drops them all in one turn of the event loop. */
const crowd = Effect.gen(function*() {
  const raws = yield* Effect.forEach(
    Array.from({ length: connections }, (_, index) => index),
    (index) =>
      Effect.tap(rawConnection, ({ socket }) =>
        Effect.sync(() => {
          const bytes = ["", halfHead, halfBody, rawRequest(streamed(`client ${index}`))][index % 4]!
          if (bytes !== "") socket.write(bytes)
        })),
    { concurrency: 100 }
  )
  yield* streams.pipe(
    Effect.repeat({ schedule: Schedule.spaced("20 millis"), until: (open) => open.length === connections / 4 }),
    Effect.timeout("20 seconds")
  )
  yield* until(() => raws.filter((raw) => raw.received.includes("token")).length === 2)
  assert.isAtLeast(yield* sockets, 2 * connections)
  for (const [index, { socket }] of raws.entries()) {
    if (index % 8 < 4) socket.resetAndDestroy()
    else socket.destroy()
  }
  yield* assertWell
}).pipe(Effect.scoped)

describe("Simulator: a thousand connections", () => {
  it.live(
    "idle, in mid-request, queued and in mid-stream, dropped at once, leave no socket and no memory behind",
    () =>
      Effect.gen(function*() {
        yield* assertWell
        const socketsBefore = yield* sockets
        yield* crowd
        const heapBefore = yield* heap
        for (let round = 0; round < 3; round++) yield* crowd
        yield* within1Second(sockets, (count) => count <= socketsBefore + 2)
        // The journal is meant to grow, by some 300 bytes for each connection; a kilobyte would be a leak.
        assert.isBelow((yield* heap) - heapBefore, 3 * connections * 1000)
        const events = yield* journal
        const count = (kind: JournalEventKind) => events.filter(({ event }) => event === kind).length
        assert.strictEqual(count("abort-honoured"), connections)
        assert.strictEqual(count("close-seen"), connections)
      }).pipe(Effect.provide(endless(5))),
    60_000
  )

  it.live("opened and closed one after the other as fast as can be", () =>
    Effect.gen(function*() {
      yield* Effect.forEach(
        Array.from({ length: connections }, (_, index) => index),
        (index) =>
          Effect.scoped(Effect.tap(rawConnection, ({ socket }) =>
            Effect.sync(() => {
              if (index % 2 === 0) socket.write(rawRequest(streamed(`client ${index}`)))
            }))),
        { concurrency: 20 }
      )
      yield* assertWell
    }).pipe(Effect.provide(endless(5))))
})
