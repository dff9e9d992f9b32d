/** Looks at a store that another connection writes: every report once, and every end. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import type { AttemptOutlook } from "../../src/campaign/AttemptOutlook.ts"
import { plan } from "../../src/campaign/Battle.ts"
import * as CampaignStatus from "../../src/campaign/CampaignStatus.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import type { Look } from "../../src/campaign/StoredLook.ts"
import * as StoredLook from "../../src/campaign/StoredLook.ts"
import * as StoreLock from "../../src/campaign/StoreLock.ts"
import { attemptOf, failedOf } from "../support/attempts.ts"
import { definitionOf } from "../support/campaigns.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"

const [a, b, c] = plan(definitionOf({ tasks: ["a", "b", "c"] })).toSorted((one, other) =>
  one.task.localeCompare(other.task)
)

/** What a look shows, by task. */
const shown = ({ attempts }: Look) =>
  attempts.map(({ battle, number, record, reports }) =>
    `${battle.task} ${number}: ${reports.map(({ content, tokens }) => `${tokens}${content}`).join(" ")} ${
      record?.verdict ?? "-"
    } ${record?.outcome._tag ?? ""}`.trim()
  ).toSorted()

describe("StoredLook", () => {
  it.live("shows what is known of a silence, and of a store that knows none that nothing is", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "campaign.db")
      const outlook: AttemptOutlook = {
        limit: { name: "frozen", millis: 60_000, origin: "floor", learning: null, sinceMillis: 8000 },
        engine: "still",
        engineBy: "agent",
        slow: "silent-decoding",
        stalled: null
      }
      const progress = {
        battle: a!,
        number: 1,
        phase: "decoding",
        tokens: 1,
        content: "",
        reasoning: "",
        arrivals: []
      } as const
      yield* Effect.gen(function*() {
        const store = yield* CampaignStore
        const desk = yield* RunnerDesk
        yield* store.create(definitionOf({ tasks: ["a"] }), null)
        yield* store.begin(a!, { startedAt: 1000, epoch: null })
        yield* desk.advance([progress])
        yield* desk.advance([{ ...progress, outlook }])
        yield* store.setState("running")
      }).pipe(
        Effect.provide(
          Layer.provide(CampaignStore.layer({ filename, create: true }), StoreLock.layer(filename)),
          { local: true }
        )
      )
      const seen = Effect.gen(function*() {
        const { first } = Option.getOrThrow(yield* StoredLook.open(filename, { texts: false }))
        const status = Option.getOrThrow(yield* CampaignStatus.read(filename))
        return [first.attempts[0]?.reports.map((report) => report.outlook), status.inFlight[0]?.outlook]
      })
      assert.deepStrictEqual(yield* seen, [[undefined, outlook], outlook])
      // As the release before left it.
      const database = new DatabaseSync(filename)
      database.exec(
        "ALTER TABLE attempt_progress DROP COLUMN outlook; DELETE FROM effect_sql_migrations WHERE migration_id = 5"
      )
      database.close()
      assert.deepStrictEqual(yield* seen, [[undefined, undefined], null])
    }))

  it.live("shows every report and every end once, also of what came and went between two looks", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryDirectory, "campaign.db")
      yield* Effect.gen(function*() {
        const store = yield* CampaignStore
        const desk = yield* RunnerDesk
        yield* store.create(definitionOf({ tasks: ["a", "b", "c"] }), null)
        const begin = (battle: typeof a) => store.begin(battle!, { startedAt: 1000, epoch: null })
        const tell = (battle: typeof a, tokens: number) =>
          Effect.andThen(
            desk.advance([{
              battle: battle!,
              number: 1,
              phase: "decoding",
              tokens,
              content: "x",
              reasoning: "",
              arrivals: [{ atMillis: tokens * 10, tokens: 1 }]
            }]),
            // Waits for what was only offered.
            store.setState("running")
          )
        yield* Effect.forEach([a, b], begin)
        yield* tell(a, 1)
        const watcher = Option.getOrThrow(yield* StoredLook.open(filename, { texts: true }))
        const { campaign, first, look, outcomes } = watcher
        assert.deepStrictEqual(shown(first), ["a 1: 1x -", "b 1:  -"])
        assert.deepStrictEqual([first.pending, first.state, first.holder?.pid], [3, "running", process.pid])
        assert.lengthOf(campaign.battles, 3)
        assert.deepStrictEqual(first.attempts.find(({ reports }) => reports.length > 0)?.reports[0]?.arrivals, [
          { atMillis: 10, tokens: 1 }
        ])

        yield* tell(b, 1)
        yield* tell(a, 2)
        yield* tell(a, 3)
        assert.deepStrictEqual(shown(yield* look), ["a 1: 2x 3x -", "b 1: 1x -"])
        assert.deepStrictEqual(shown(yield* look), ["a 1:  -", "b 1:  -"])

        // The reports of an attempt go with its end, and their numbers come again.
        yield* store.record(attemptOf(a!, 1))
        yield* store.record(failedOf(c!, yield* begin(c)))
        yield* tell(b, 2)
        yield* begin(c)
        const ended = yield* look
        assert.deepStrictEqual(shown(ended), [
          "a 1:  completed Scored",
          "b 1: 2x -",
          "c 1:  failed Pending",
          "c 2:  -"
        ])
        assert.strictEqual(ended.attempts.find(({ battle }) => battle.task === "a")?.record?.content, "answer")
        assert.strictEqual(ended.pending, 2)
        assert.deepStrictEqual(shown(yield* look), ["b 1:  -", "c 2:  -"])
        assert.deepStrictEqual((yield* outcomes).map(({ outcome }) => outcome._tag).toSorted(), [
          "Pending",
          "Pending",
          "Scored"
        ])
        const figures = Option.getOrThrow(yield* StoredLook.open(filename, { texts: false }))
        assert.deepStrictEqual(shown(figures.first), ["b 1: 1 2 -", "c 2:  -"])
      }).pipe(
        Effect.provide(
          Layer.provide(CampaignStore.layer({ filename, create: true }), StoreLock.layer(filename)),
          { local: true }
        )
      )
      const alone = Option.getOrThrow(yield* StoredLook.open(filename, { texts: false }))
      assert.isNull(alone.first.holder)
      const empty = join(yield* temporaryDirectory, "empty.db")
      yield* Effect.provide(CampaignStore, CampaignStore.layer({ filename: empty, create: true }), { local: true })
      assert.isTrue(Option.isNone(yield* StoredLook.open(empty, { texts: false })))
    }))
})
