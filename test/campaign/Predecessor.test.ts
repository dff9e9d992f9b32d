/**
 * Failures of the predecessor that belong to a campaign's runner and its store: none comes back. Those of its agents are in
 * test/agents/Predecessor.test.ts; the dry run that wrote is in test/system/campaignFile.test.ts.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { Artifact, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import * as CampaignRunner from "../../src/campaign/CampaignRunner.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { fromTests } from "../../src/grading/Grade.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Finish } from "../../src/token/TokenEvent.ts"
import { said } from "../support/agents.ts"
import { definitionOf, plainRunner, seats } from "../support/campaigns.ts"
import { run } from "../support/command.ts"
import { type Behaviour, hostileAgent, json } from "../support/hostileAgent.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const result = Artifact.make({
  artifactId: "result",
  name: "result",
  parts: [{
    _tag: "Data",
    data: {
      results: [{ task: "a", participant: "agent", grade: fromTests([{ outcome: "passed" }]), reason: null }]
    } as never
  }]
})

describe("a campaign", () => {
  it.effect("never has two attempts of one battle at once, and counts one", () =>
    Effect.gen(function*() {
      let open = 0
      let most = 0
      let sent = 0
      const guarded = (stream: Stream.Stream<TaskEvent, RunError>) =>
        Stream.suspend(() => {
          most = Math.max(most, ++open)
          return stream
        }).pipe(Stream.ensuring(Effect.sync(() => open--)))
      const client = Layer.succeed(A2aClient, {
        check: () => Effect.succeed({ name: "agent", streams: true, exact: true }),
        send: () =>
          guarded(
            sent++ === 0
              ? Stream.concat(Stream.make(said("first ")), Stream.never)
              : Stream.make(said("second"), Finish.make({ reason: "stop" }), result)
          )
      })
      const stored = yield* Effect.gen(function*() {
        const store = yield* CampaignStore
        yield* store.create(definitionOf({}), null)
        const campaign = yield* Effect.flatMap(store.load, Effect.fromOption)
        const fiber = yield* Effect.forkChild(
          CampaignRunner.run({ campaign, seats, onEvent: () => Effect.void }),
          { startImmediately: true }
        )
        yield* TestClock.adjust("10 minutes")
        yield* Fiber.join(fiber)
        return yield* Effect.flatMap(store.load, Effect.fromOption)
      }).pipe(Effect.provide([client, Layer.fresh(CampaignStore.layerMemory), Layer.fresh(plainRunner)]))
      assert.deepStrictEqual([sent, most, open], [2, 1, 0])
      assert.deepStrictEqual(stored.attempts.map(({ number, verdict }) => [number, verdict]), [
        [1, "stalled"],
        [2, "completed"]
      ])
      assert.deepInclude(stored.battles[0]?.outcome, { _tag: "Scored", attempt: 2 })
      assert.lengthOf(stored.battles, 1)
    }))

  const answers: ReadonlyArray<readonly [name: string, Behaviour]> = [
    ["an error of its own", {
      stream: (response) => json(response, { battle_id: "b", error: "Purple Agent failed" }, 200)
    }],
    [
      "a JSON-RPC error",
      {
        stream: (response, { rpc }) =>
          json(response, { jsonrpc: "2.0", id: rpc?.id, error: { code: -32603, message: "no" } }, 200)
      }
    ]
  ]
  for (const [name, behaviour] of answers) {
    it.live(`stores HTTP 200 with ${name} as a failure, and comes to its end`, () =>
      Effect.gen(function*() {
        const directory = yield* temporaryDirectory
        const agent = yield* hostileAgent(behaviour)
        const command = ["run", "--agent", agent.url, "--task", "run-length", "--repeat", "2", "--json", "--ui", "none"]
        const { code, stderr, stdout } = yield* run(command, { directory })
        assert.strictEqual(code, 0, stderr)
        const summary = JSON.parse(stdout)
        assert.deepInclude(summary, { end: "ended", score: null })
        assert.deepStrictEqual(summary.battles, { planned: 2, scored: 0, unscored: 2, pending: 0 })
        assert.strictEqual(summary.attempts.failed, summary.attempts.total)
        assert.isAtMost(summary.attempts.total, 6)
        for (const { reason } of summary.unscored) assert.isNotEmpty(reason)
      }), 60_000)
  }
})
