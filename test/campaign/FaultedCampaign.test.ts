/**
 * Whole campaigns against every fault of the simulated engine that ends an attempt, in virtual time over real sockets:
 * who tries again, when, behind which gate, and that the store, the events and the engine's journal tell the same story.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type AttemptOutlook, calm, isSame } from "../../src/campaign/AttemptOutlook.ts"
import { keyOf } from "../../src/campaign/Battle.ts"
import { kindOf } from "../../src/liveness/Failed.ts"
import { retryKindOf, rowOf } from "../../src/liveness/RetryTable.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import type { Stalled } from "../../src/liveness/Stalled.ts"
import { catalogue } from "../../src/simulator/faults/FaultCatalogue.ts"
import type { FaultEntry } from "../../src/simulator/faults/FaultEntry.ts"
import { play, type Played, requestsOf, shutTimes, told, wordsOf } from "./faultedCampaigns.ts"

/** What virtual time passes at once, and so how late anything may be seen, in milliseconds. */
const STEP = 1000

/** These last as long as they are left in force, or nobody would notice. */
const lasting = new Set(["connection-refused", "server-silent"])

/** The fault as the first attempt has it. */
const faultOf = ({ example, name }: FaultEntry): string => {
  if (name === "mass-hang") return "mass-hang:streams=1"
  if (lasting.has(name)) return `${name}:for=3600`
  return (example.includes(";") ? example : name).split(";").map((fault) =>
    `${fault.trim()}${fault.includes(":") ? "," : ":"}times=1`
  ).join(";")
}

const isStalled = (error: RunError | null): error is Stalled => error?._tag === "Stalled"

const kindOfError = (error: RunError | null) =>
  error === null ? "none" : error._tag === "Failed" ? kindOf(error) : error._tag === "Stalled" ? error.kind : "budget"

/** What must be so whatever the fault is. */
const assertConsistent = (played: Played) => {
  const { answer, attempts, events, gate, journal, open, outcomes } = played
  const began = told(played, "AttemptBegan")
  const ended = told(played, "AttemptEnded")
  // The canary comes first, and nobody begins while the gate is shut.
  const shut = shutTimes(played)
  assert.strictEqual(shut[0]?.from, 0)
  assert.isTrue(journal.find(({ event }) => event === "request")?.request.includes("canary"))
  for (const { atMillis } of began) {
    assert.isUndefined(shut.find(({ from, until }) => from <= atMillis && atMillis < until), JSON.stringify(events))
  }
  // The store holds what was told, and an outcome counts one attempt's answer, whole and alone.
  assert.lengthOf(began, attempts.length)
  assert.deepStrictEqual(
    attempts.map(({ content, number, verdict }) => ({ content, number, verdict })),
    ended.map(({ record: { content, number, verdict } }) => ({ content, number, verdict }))
  )
  for (const { content, error, verdict } of attempts) {
    assert.strictEqual(content === answer, verdict === "completed", content)
    assert.isTrue(answer.startsWith(content), content)
    assert.strictEqual(error === null, verdict === "completed")
  }
  const completed = attempts.filter(({ verdict }) => verdict === "completed")
  assert.lengthOf(outcomes.filter(({ _tag }) => _tag === "Scored"), completed.length)
  assert.lengthOf(outcomes.filter(({ _tag }) => _tag === "Pending"), 0)
  // What is known of a silence is told of the attempt in flight alone, and only when it is something else than before.
  const flying = new Map<string, { readonly number: number; readonly outlook: AttemptOutlook }>()
  for (const event of events) {
    if (event._tag === "AttemptBegan") flying.set(keyOf(event.battle), { number: event.number, outlook: calm })
    else if (event._tag === "AttemptEnded") flying.delete(keyOf(event.record.battle))
    // The next token ends the silence, and that is told with it.
    if (
      event._tag === "TokensArrived" && event.arrived > 0 && !isSame(flying.get(keyOf(event.battle))!.outlook, calm)
    ) {
      const next = events[events.indexOf(event) + 1]
      assert.deepInclude(next, { _tag: "OutlookChanged", battle: event.battle, outlook: calm })
    }
    if (event._tag !== "OutlookChanged") continue
    const { battle, number, outlook } = event
    const before = flying.get(keyOf(battle))
    assert.strictEqual(before?.number, number)
    assert.isFalse(isSame(before!.outlook, outlook), JSON.stringify(event))
    flying.set(keyOf(battle), { number, outlook })
  }
  // Every response ended once, and nothing is left.
  const requests = requestsOf(played)
  for (const { ends, events } of requests) assert.lengthOf(ends, 1, JSON.stringify(events.slice(-5)))
  assert.isEmpty(open)
  assert.strictEqual(gate.state, "closed")
}

/** The only battle's requests ended with their attempts, and before the next one. */
const assertClosedInTime = (played: Played) => {
  const requests = requestsOf(played)
  const began = told(played, "AttemptBegan")
  const ended = told(played, "AttemptEnded")
  // An attempt that was refused its connection has no request.
  const first = ended.length - requests.length
  for (const [index, { ends, lastTokenAt }] of requests.entries()) {
    const { atMillis, record: { error } } = ended[first + index]!
    const closedAt = ends[0]!.atMillis
    assert.isAtMost(closedAt, atMillis)
    const next = began[first + index + 1]
    if (next !== undefined) assert.isBelow(closedAt, next.atMillis)
    // What the engine has told arrives within a step, and so does our leaving: whatever else the attempt waits for.
    if (isStalled(error)) assert.isAtMost(closedAt, lastTokenAt + error.silentMillis + 2 * STEP)
  }
}

describe("a campaign whose first attempt meets", { concurrent: true }, () => {
  for (const fault of catalogue) {
    const { kinds, retry, verdict } = fault.outcome
    if (verdict === "completed") continue
    it.effect(`${fault.name}: ${verdict}, tried again: ${retry}`, () =>
      Effect.gen(function*() {
        const played = yield* play(faultOf(fault), {
          endsByItself: fault.trigger.for !== undefined && !lasting.has(fault.name),
          limits: { deferredMillis: 60_000, headersMillis: 60_000 }
        })
        assertConsistent(played)
        assertClosedInTime(played)
        const { attempts: [first, ...others], outcomes: [outcome] } = played
        assert.isDefined(first)
        assert.strictEqual(first.verdict, verdict)
        assert.include(kinds, kindOfError(first.error))
        if (isStalled(first.error)) assert.strictEqual(first.error.confidence, "proved")
        if (retry === "no") {
          assert.isEmpty(others)
          const why = `${retryKindOf(first.error!)} is not tried again: ${rowOf(first.error!).note}`
          const reason = `${first.error!.message}; ${why}`
          assert.deepStrictEqual(outcome, { _tag: "Unscored", reason, attempt: 1 } as never)
          return
        }
        assert.strictEqual(outcome?._tag, "Scored")
        assert.lengthOf(others, 1)
        const isGated = rowOf(first.error!).gate === "yes"
        assert.lengthOf(shutTimes(played), isGated ? 2 : 1)
        // The second token opens the gate for all, not the end of the answer.
        const openAt = told(played, "GateChanged").findLast(({ state }) => state === "closed")!.atMillis
        assert.isBelow(openAt, told(played, "AttemptEnded")[1]!.atMillis - STEP)
      }), 60_000)
  }
})

/** The states of the gate after the start-up canary. */
const gateStates = (played: Played) =>
  told(played, "GateChanged").map(({ state }) => state).filter((state, index, all) => state !== all[index - 1]).slice(2)

const solution = [
  "Every run becomes its length and its character.",
  "```javascript",
  "function runLengthEncode(text) { return text.replace(/(.)\\1*/gs, (run, c) => run.length + c) }",
  "```"
].join("\n")

const gated = ["suspect", "open", "half-open", "closed"]

describe("a campaign of one battle", { concurrent: true }, () => {
  it.effect("waits for an engine that hangs for 200 s, and its second answer is graded", () =>
    Effect.gen(function*() {
      const played = yield* play("long-hang:times=1", { endsByItself: true, answer: solution, isRun: true })
      assertConsistent(played)
      assertClosedInTime(played)
      assert.isTrue(isStalled(played.attempts[0]!.error))
      assert.isTrue(played.outcomes.every((outcome) => outcome._tag === "Scored" && outcome.grade.passed))
      assert.deepStrictEqual(gateStates(played), gated)
      // 60 to 66 s after the last token, and what virtual time adds.
      const [first] = requestsOf(played)
      const silence = first!.ends[0]!.atMillis - first!.lastTokenAt
      assert.isTrue(silence >= 60_000 && silence <= 66_000 + 2 * STEP, `${silence}`)
      // The limit that ended it was told in advance, and counts from the engine's last step.
      const { outlook } = told(played, "OutlookChanged").find(({ outlook }) => outlook.limit?.name === "frozen")!
      assert.deepInclude(outlook, { engine: "still", engineBy: "agent" })
      const endsAt = outlook.limit!.sinceMillis + outlook.limit!.millis
      assert.closeTo(told(played, "AttemptEnded")[0]!.record.durationMillis, endsAt, 7_000 + 2 * STEP)
      const hungAt = first!.events.find(({ event }) => event === "fault")!.atMillis
      const canaries = told(played, "GateChanged").filter(({ why }) => why.startsWith("the canary has"))
      for (const { atMillis, why } of canaries.slice(1)) {
        assert.strictEqual(why === "the canary has passed", atMillis >= hungAt + 200_000, why)
      }
    }), 60_000)

  for (const fault of ["engine-death", "server-killed:for=30", "server-restart:for=30"]) {
    it.effect(`waits for a server to come back: ${fault}`, () =>
      Effect.gen(function*() {
        const played = yield* play(fault, { endsByItself: true })
        assertConsistent(played)
        assertClosedInTime(played)
        assert.lengthOf(played.attempts, 2)
        assert.deepStrictEqual(gateStates(played), gated)
        const backAt = played.journal.findLast(({ event }) => event === "listening")!.atMillis
        assert.isAbove(told(played, "AttemptBegan")[1]!.atMillis, backAt)
      }), 60_000)
  }

  for (const isIgnored of [false, true]) {
    it.effect(
      `says that its request was ${isIgnored ? "not seen to be dropped" : "dropped"}`,
      () =>
        Effect.gen(function*() {
          const played = yield* play(
            `deferred-stuck:times=1,seconds=120${isIgnored ? "; abort-ignored:times=1" : ""}`,
            { limits: { deferredMillis: 60_000 }, endsByItself: true }
          )
          const [first] = played.attempts
          assert.deepInclude(first!.error, { _tag: "Stalled", cancel: isIgnored ? "unconfirmed" : "confirmed" })
          assert.strictEqual(played.gate.unconfirmed, isIgnored ? 1 : 0)
          const aborts = played.journal.flatMap(({ event }) => event.startsWith("abort") ? [event] : [])
          assert.deepStrictEqual(aborts, [isIgnored ? "abort-ignored" : "abort-honoured"])
          assertClosedInTime(played)
        }),
      60_000
    )
  }

  for (const fault of ["rate-limited:times=4,retry-after=20", "rate-limited:times=4", "queue-full:times=4"]) {
    it.effect(`has more attempts than three where none was used up: ${fault}`, () =>
      Effect.gen(function*() {
        const played = yield* play(fault, { endsByItself: true })
        assertConsistent(played)
        assertClosedInTime(played)
        assert.deepStrictEqual(
          played.attempts.map(({ number, verdict }) => `${number} ${verdict}`),
          ["1 failed", "2 failed", "3 failed", "4 failed", "5 completed"]
        )
        assert.deepInclude(played.outcomes[0], { _tag: "Scored", attempt: 5 })
        const delays = told(played, "RetryWaits").map(({ delayMillis }) => delayMillis)
        const least = fault.includes("retry-after") ? [20_000, 20_000, 20_000, 20_000] : [2000, 4000, 8000, 16_000]
        for (const [index, delay] of delays.entries()) assert.isAtLeast(delay, least[index]!)
      }), 60_000)
  }

  it.effect(
    "is unscored when its three attempts are used up, with what ended the last one",
    () =>
      Effect.gen(function*() {
        const played = yield* play("truncated", { endsByItself: true })
        assertConsistent(played)
        assertClosedInTime(played)
        assert.deepStrictEqual(played.attempts.map(({ error }) => kindOfError(error)), Array(3).fill("truncated"))
        const reason = `${played.attempts[2]!.error!.message}; all 3 attempts have failed`
        assert.deepStrictEqual(played.outcomes as unknown, [{ _tag: "Unscored", reason, attempt: 3 }])
      }),
    60_000
  )

  it.effect("waits ten minutes for a first token, without a word", () =>
    Effect.gen(function*() {
      const played = yield* play("long-prefill:times=1", { step: 2 })
      assertConsistent(played)
      assert.deepInclude(played.outcomes[0], { _tag: "Scored", attempt: 1 })
      assert.isAbove(told(played, "AttemptEnded")[0]!.record.durationMillis, 600_000)
      assert.isEmpty(gateStates(played))
      // What is known of ten minutes of silence is told a few times, not with every look.
      assert.isAtMost(told(played, "OutlookChanged").length, 8)
      assert.deepInclude(told(played, "OutlookChanged").at(-2)?.outlook, {
        engine: "moving",
        slow: "prefill",
        limit: null
      })
    }), 60_000)

  it.effect("has its attempt ended as slow by a hard cap, with what it waited for", () =>
    Effect.gen(function*() {
      const played = yield* play("long-queue:times=1", { hardCapMillis: 100_000 })
      assertConsistent(played)
      const [{ error, verdict }, ...others] = played.attempts as [Played["attempts"][number]]
      assert.isEmpty(others)
      assert.strictEqual(verdict, "slow")
      assert.deepInclude(error, { _tag: "Slow", hop: "green", reason: "queued", tokens: 0 })
      assert.deepStrictEqual(played.outcomes as unknown, [{
        _tag: "Unscored",
        reason: `${error!.message}; budget is not tried again: it was alive; its user gave it no more time`,
        attempt: 1
      }])
      assert.closeTo(told(played, "AttemptEnded")[0]!.record.durationMillis, 100_000, 2 * STEP)
      assert.closeTo(requestsOf(played)[0]!.ends[0]!.atMillis, told(played, "AttemptEnded")[0]!.atMillis, 2 * STEP)
    }), 60_000)

  it.effect("with policy warn has nothing ended, neither for a stall nor by a cap", () =>
    Effect.gen(function*() {
      const played = yield* play("long-hang:times=1", {
        endsByItself: true,
        stallPolicy: "warn",
        hardCapMillis: 100_000
      })
      assertConsistent(played)
      assert.deepInclude(played.outcomes[0], { _tag: "Scored", attempt: 1 })
      assert.isAbove(told(played, "AttemptEnded")[0]!.record.durationMillis, 200_000)
      assert.isEmpty(gateStates(played))
    }), 60_000)
})

it.effect("a campaign of 30 battles at once has one gate when all of them hang", () =>
  Effect.gen(function*() {
    const played = yield* play("mass-hang:streams=30", { battles: 30, answer: wordsOf(200) })
    assertConsistent(played)
    assert.deepStrictEqual(gateStates(played), gated)
    const ended = told(played, "AttemptEnded")
    const stalled = ended.filter(({ record: { error } }) => isStalled(error) && error.kind === "engine-hung")
    assert.lengthOf(stalled, 30)
    assert.lengthOf(ended, 60)
    const stalledAt = stalled.map(({ atMillis }) => atMillis)
    assert.isAtMost(Math.max(...stalledAt) - Math.min(...stalledAt), 5 * STEP)
    for (const outcome of played.outcomes) assert.deepInclude(outcome, { _tag: "Scored", attempt: 2 })
    assert.strictEqual(played.gate.unconfirmed, 30)
    // One battle goes first.
    const open = told(played, "GateChanged").filter(({ state }) => state === "half-open" || state === "closed")
    const [halfOpenAt, closedAt] = open.slice(-2).map(({ atMillis }) => atMillis)
    const first = told(played, "AttemptBegan").filter(({ atMillis }) => halfOpenAt! <= atMillis && atMillis < closedAt!)
    assert.lengthOf(first, 1)
  }), 60_000)
