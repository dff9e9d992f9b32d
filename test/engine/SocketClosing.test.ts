/**
 * Property 19: a run that is given up, fails or is cancelled closes its connection once and within a second; a run that
 * is complete never closes what its server ends.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { runs } from "../support/propertyRuns.ts"
import { play, type PlayedRun, RunScript } from "./engineRuns.ts"

/** The server ends these by itself right after the finish. */
const endedByServer: ReadonlySet<RunScript["end"]> = new Set(["finish", "finish and [DONE]", "finish, then reset"])

const check = ({ closedAt, connections, endedAt, exit, finals, interruptedAt, script }: PlayedRun) => {
  if (exit === undefined) return assert.fail("the run does not end")
  assert.isAtMost(finals.length, 1)
  const verdict = finals[0]?.verdict._tag
  // A consumer that goes before the request is sent leaves nothing behind.
  assert.isAtMost(connections.length, 1)
  if (interruptedAt === undefined) assert.lengthOf(connections, 1)
  for (const { closes, state } of connections) {
    assert.include(["ended by server", "closed by client"], state)
    assert.strictEqual(closes, state === "closed by client" ? 1 : 0)
  }
  // Whatever the reason is known since, the close follows within a second.
  for (const at of closedAt) {
    const reasons = [interruptedAt, ...finals.map(({ at }) => at)].filter((since) => since !== undefined)
    if (verdict !== "Completed") assert.isAtMost(at - Math.min(...reasons), 1000)
    assert.isAtMost(at, endedAt)
  }
  if (verdict === "Stalled") assert.isFalse(Exit.isSuccess(exit))
  if (Exit.isSuccess(exit) && script.take === null) {
    assert.strictEqual(verdict, "Completed")
    assert.strictEqual(connections[0]?.state === "closed by client", !endedByServer.has(script.end))
  }
}

describe("property 19", () => {
  it.effect.prop(
    "the connection is closed once, at once, and never under a completed run",
    [RunScript],
    ([script]) =>
      Effect.gen(function*() {
        const { runs: [run] } = yield* play([script])
        check(run!)
      }),
    runs
  )
})
