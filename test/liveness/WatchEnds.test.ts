/**
 * How the watch ends a run that upstream would not: by a budget, by a failure that the reducer finds; what it waits for
 * before it says so; and what it says to the next hop meanwhile.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import type { EvidenceReader } from "../../src/liveness/EngineEvidence.ts"
import { Failed, kindOf } from "../../src/liveness/Failed.ts"
import { heartbeatOf } from "../../src/liveness/Heartbeat.ts"
import { Slow } from "../../src/liveness/Slow.ts"
import { Delta } from "../../src/token/TokenEvent.ts"
import {
  accepted,
  alone,
  failureOf,
  finish,
  lastOf,
  limits,
  recorder,
  stalledOf,
  start,
  timed,
  token
} from "./watching.ts"
import { sample } from "./Worlds.ts"

/** One scrape told to all who listen. */
const scrape = (readers: Iterable<EvidenceReader>, at: number, outcome: ReturnType<typeof sample> | "refused") => {
  for (const reader of readers) {
    reader.tell({ _tag: "Scrape", at, askedAt: at, outcome, openStreams: 1, modelServed: null })
  }
}

const bound = { binding: "proven", longestStepMillis: 0 } as const
const hung = Stream.concat(Stream.make(token), Stream.never)

describe("a run out of its budget", () => {
  it.effect("is ended as slow, with what it had, and never before", () =>
    Effect.gen(function*() {
      let closed = 0
      const fast = Stream.tick("1 second").pipe(Stream.map(() => token), Stream.ensuring(Effect.sync(() => closed++)))
      const watched = yield* start(fast, { opened: { budgetMillis: 20_500 } })
      yield* TestClock.adjust("20 seconds")
      assert.isUndefined(watched.exit())
      yield* TestClock.adjust("1 second")
      const error = failureOf(watched.exit())
      assert.instanceOf(error, Slow)
      const { _tag, by, slow, ...told } = lastOf(watched.verdicts, "Cancelled")
      assert.deepStrictEqual([by, slow, closed], ["budget", null, 1])
      assert.deepInclude({ ...error }, { ...told, hop: "engine", reason: null, cancel: "unconfirmed" })
      assert.deepInclude(error.limit, { name: "budget", millis: 20_500 })
      assert.strictEqual(error.tokens, watched.seen.length)
    }).pipe(Effect.provide(alone)))

  it.effect("says what it was waiting for", () =>
    Effect.gen(function*() {
      const watched = yield* start(hung, { opened: { budgetMillis: 8000 } })
      yield* TestClock.adjust("8 seconds")
      const error = failureOf(watched.exit())
      assert.instanceOf(error, Slow)
      assert.deepStrictEqual([error.reason, error.silentMillis], ["silent-unverified", 8000])
      assert.include(error.message, "slow (silent-unverified)")
    }).pipe(Effect.provide(alone)))

  it.effect("goes on with policy \"warn\"", () =>
    Effect.gen(function*() {
      const watched = yield* start(timed([6000, token], [6000, finish]), {
        policy: "warn",
        opened: { budgetMillis: 8000 }
      })
      yield* TestClock.adjust("20 seconds")
      assert.isTrue(Exit.isSuccess(watched.exit()!))
      lastOf(watched.verdicts, "Cancelled")
    }).pipe(Effect.provide(alone)))
})

describe("a failure that nobody told us", () => {
  it.effect("a request that is never answered fails as a connection without an answer", () =>
    Effect.gen(function*() {
      const watched = yield* start(Stream.never, { limits: { ...limits, headersMillis: 7000 } })
      yield* TestClock.adjust("9 seconds")
      const error = failureOf(watched.exit())
      assert.instanceOf(error, Failed)
      assert.strictEqual(kindOf(error), "connect-timeout")
      assert.deepStrictEqual(error.verdict, lastOf(watched.verdicts, "Failed"))
    }).pipe(Effect.provide(alone)))

  it.effect("an answer that runs away is cut after the chunk that showed it", () =>
    Effect.gen(function*() {
      let closed = 0
      const chunk = [1, 2, 3].map(() => Delta.make({ channel: "content", text: "a", tokens: 2 }))
      const endless = Stream.fromArrays(chunk, chunk, chunk).pipe(
        Stream.concat(Stream.never),
        Stream.ensuring(Effect.sync(() => closed++))
      )
      const watched = yield* start(endless, { limits: { ...limits, failRunaway: true }, opened: { maxTokens: 10 } })
      const error = failureOf(watched.exit())
      assert.instanceOf(error, Failed)
      assert.deepStrictEqual([kindOf(error), error.tokens, watched.seen.length, closed], ["runaway", 12, 6, 1])
    }).pipe(Effect.provide(alone)))
})

describe("proof that the engine dropped the request", () => {
  /** A run that evidence says is lost: the engine moves and holds nothing. */
  const lost = Effect.fnUntraced(function*(dropped: Effect.Effect<void>) {
    const evidence = recorder(bound)
    evidence.dropped = dropped
    const watched = yield* start(hung).pipe(Effect.provide(evidence.layer))
    for (let turn = 1; turn <= 5; turn++) {
      yield* TestClock.adjust("2 seconds")
      scrape(evidence.readers, turn * 2000, sample({ heartbeat: `${turn}`, running: 0 }))
    }
    return watched
  })

  it.effect("is waited for, and then confirmed", () =>
    Effect.gen(function*() {
      const watched = yield* lost(Effect.sleep("3 seconds"))
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(lastOf(watched.verdicts, "Stalled").kind, "orphaned")
      assert.isUndefined(watched.exit())
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(stalledOf(watched.exit()).cancel, "confirmed")
    }).pipe(Effect.provide(alone)))

  it.effect("is not waited for longer than allowed", () =>
    Effect.gen(function*() {
      const watched = yield* lost(Effect.never)
      yield* TestClock.adjust("9 seconds")
      assert.isUndefined(watched.exit())
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(stalledOf(watched.exit()).cancel, "unconfirmed")
    }).pipe(Effect.provide(alone)))

  it.effect("needs no waiting where the process is gone, and none where the engine stands still or is not known", () =>
    Effect.gen(function*() {
      const evidence = recorder(bound)
      const gone = yield* start(hung).pipe(Effect.provide(evidence.layer))
      yield* TestClock.adjust("6 seconds")
      for (const at of [5000, 6000]) scrape(evidence.readers, at, "refused")
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude(stalledOf(gone.exit()), { kind: "engine-dead", cancel: "confirmed" })

      const frozen = yield* start(hung).pipe(Effect.provide(evidence.layer))
      for (let turn = 0; turn < 40; turn++) {
        scrape(evidence.readers, 8000 + turn * 2000, sample({ running: 1 }))
        yield* TestClock.adjust("2 seconds")
      }
      assert.deepInclude(stalledOf(frozen.exit()), { kind: "engine-hung", cancel: "unconfirmed" })

      const unknown = yield* start(hung)
      yield* TestClock.adjust("12 seconds")
      assert.deepInclude(stalledOf(unknown.exit()), { kind: "silent", cancel: "unconfirmed" })
    }).pipe(Effect.provide(alone)))
})

describe("heartbeats for the next hop", () => {
  const heartbeat = (state: Parameters<typeof heartbeatOf>[0]) =>
    Delta.make({ channel: "content", text: JSON.stringify(heartbeatOf(state)), tokens: 0 })
  const beatsIn = (seen: ReadonlyArray<unknown>) =>
    seen.flatMap((element) =>
      typeof element === "object" && element !== null && "text" in element && String(element.text).startsWith("{")
        ? [JSON.parse(String(element.text)) as ReturnType<typeof heartbeatOf>]
        : []
    )

  it.effect("come every interval of silence, with the age of the last token, and stop with the finish", () =>
    Effect.gen(function*() {
      const patient = { ...limits, silentFloorMillis: 60_000, silentCeilingMillis: 60_000 }
      const watched = yield* start(
        timed([3000, token], [3000, token], [17_500, token], [100, finish]).pipe(Stream.concat(Stream.never)),
        { heartbeat, limits: patient }
      )
      yield* TestClock.adjust("60 seconds")
      assert.deepStrictEqual(
        beatsIn(watched.seen).map(({ phase, tokenAgeMillis, tokens }) => [phase, tokens, tokenAgeMillis]),
        [5000, 10_000, 15_000].map((age) => ["decoding", 2, age])
      )
      assert.lengthOf(watched.seen, 7)
    }).pipe(Effect.provide(alone)))

  it.effect("are not kept for a consumer that does not ask, and say nothing of tokens lost between them", () =>
    Effect.gen(function*() {
      const tokens = Array.from({ length: 4 }, () => [100, token] as const)
      const watched = yield* start(timed(...tokens, [20_000, finish]), {
        heartbeat,
        limits: { ...limits, silentFloorMillis: 90_000, silentCeilingMillis: 90_000 }
      }, 30_000)
      yield* TestClock.adjust("10 minutes")
      assert.isTrue(Exit.isSuccess(watched.exit()!))
      assert.lengthOf(watched.seen.filter((element) => element === token), 4)
      // The consumer is away for 30 s at a time, and only what it is there for is put in.
      assert.isAtMost(beatsIn(watched.seen).length, 2)
    }).pipe(Effect.provide(alone)))

  it.effect("say what the engine does", () =>
    Effect.gen(function*() {
      const evidence = recorder(bound)
      const watched = yield* start(Stream.concat(accepted(Effect.succeed(token)), Stream.never), { heartbeat }).pipe(
        Effect.provide(evidence.layer)
      )
      for (let turn = 1; turn <= 10; turn++) {
        scrape(evidence.readers, turn * 2000 - 2000, sample({ heartbeat: `${turn}`, decodeOutputs: turn }))
        yield* TestClock.adjust("2 seconds")
      }
      assert.deepStrictEqual(new Set(beatsIn(watched.seen).map(({ engine }) => engine)), new Set(["moving"]))
    }).pipe(Effect.provide(alone)))
})
