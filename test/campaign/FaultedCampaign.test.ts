/**
 * Whole campaigns against every fault of the simulated engine that ends an attempt, in virtual time over real sockets:
 * who tries again, when, behind which gate, and that the store, the events and the engine's journal tell the same story.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { kindOf } from "../../src/liveness/Failed.ts"
import { rowOf } from "../../src/liveness/RetryTable.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import type { Stalled } from "../../src/liveness/Stalled.ts"
import { catalogue } from "../../src/simulator/faults/FaultCatalogue.ts"
import type { FaultEntry } from "../../src/simulator/faults/FaultEntry.ts"
import { play, type Played, requestsOf, shutTimes, told } from "./faultedCampaigns.ts"

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
  assert.lengthOf(attempts.filter(({ verdict }) => verdict === "completed"), outcomes.filter(isScored).length)
  assert.lengthOf(outcomes.filter(({ _tag }) => _tag === "Pending"), 0)
  // Every response ended once, and nothing is left.
  const requests = requestsOf(played)
  for (const { ends, events } of requests) assert.lengthOf(ends, 1, JSON.stringify(events.slice(-5)))
  assert.isEmpty(open)
  assert.strictEqual(gate.state, "closed")
}

const isScored = ({ _tag }: Played["outcomes"][number]) => _tag === "Scored"

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
          assert.deepStrictEqual(outcome, { _tag: "Unscored", reason: first.error!.message, attempt: 1 } as never)
          return
        }
        assert.strictEqual(
          outcome?._tag,
          "Scored",
          JSON.stringify(played.events.filter((e) => e._tag !== "TokensArrived"))
        )
        const isGated = rowOf(first.error!).gate === "yes"
        // An engine that is dead refuses one more before the gate is shut.
        const tries = 1
        assert.lengthOf(others, tries)
        assert.lengthOf(shutTimes(played), isGated || tries === 2 ? 2 : 1)
      }), 60_000)
  }
})
