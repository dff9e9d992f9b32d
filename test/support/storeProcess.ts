/**
 * A process of its own that works on a store, for tests that kill it: `node storeProcess.ts MODE FILE`.
 *
 * `write` plays battles 16 at a time without an end and says each acknowledged record on stdout, at once. `hold` runs the
 * campaign, says so and waits. `race` takes the lock and gives it back, over and over, and says where two had it. `fill`
 * writes until the disk is full, and then what is possible again.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as fs from "node:fs"
import { type Battle, plan } from "../../src/campaign/Battle.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import * as StoreLock from "../../src/campaign/StoreLock.ts"
import { attemptOf } from "./attempts.ts"
import { definitionOf } from "./campaigns.ts"

/** This file, to be started. */
export const script = import.meta.filename

const definition = definitionOf({
  tasks: Array.from({ length: 100 }, (_, index) => `task-${index}`),
  repetitions: 50
})

const [, , mode, filename = ""] = process.argv

/** Written when it returns, whatever happens to us then. */
const say = (text: string) => Effect.sync(() => void fs.writeSync(1, `${text}\n`))

const play = Effect.fnUntraced(function*(battle: Battle, content: string) {
  const store = yield* CampaignStore
  const desk = yield* RunnerDesk
  const number = yield* store.begin(battle, { startedAt: 1, epoch: null })
  const nothing = { phase: "decoding" as const, reasoning: "", arrivals: [] }
  yield* desk.advance([{ ...nothing, battle, number, tokens: 1, content: "progress" }])
  yield* Effect.yieldNow
  yield* store.record(attemptOf(battle, number, { content }))
  yield* say(`${battle.task} ${battle.repetition} ${number}`)
})

const write = Effect.gen(function*() {
  const store = yield* CampaignStore
  yield* store.create(definition, null)
  yield* say("begun")
  yield* Effect.forEach(plan(definition), (battle) => play(battle, "x".repeat(2000)), {
    concurrency: 16,
    discard: true
  })
}).pipe(Effect.provide(CampaignStore.layerExclusive({ filename, create: true })))

const hold = Effect.andThen(say("held"), Effect.sleep("1 hour")).pipe(Effect.provide(StoreLock.layer(filename)))

const marker = `${filename}-marker`
const turn = Effect.gen(function*() {
  yield* Effect.try({ try: () => fs.writeFileSync(marker, "", { flag: "wx" }), catch: () => "taken" as const })
  yield* Effect.sleep("1 millis")
  fs.rmSync(marker)
  yield* say("had it")
}).pipe(Effect.catch(() => say("two had it")))

const race = Effect.gen(function*() {
  const until = performance.now() + 2_500
  while (performance.now() < until) {
    yield* turn.pipe(
      Effect.provide(Layer.fresh(StoreLock.layer(filename)), { local: true }),
      Effect.catchTag(
        "StoreError",
        ({ reason }) => reason._tag === "Held" ? Effect.void : say(`failed ${JSON.stringify(reason)}`)
      )
    )
    yield* Effect.sleep(`${Math.floor(Math.random() * 4)} millis`)
  }
})

const fill = Effect.gen(function*() {
  const store = yield* CampaignStore
  yield* store.create(definitionOf({ tasks: ["a", "b"], repetitions: 3 }), null)
  const battles = plan(definitionOf({ tasks: ["a", "b"], repetitions: 3 }))
  const small = play(battles[0]!, "small")
  yield* small
  const large = yield* Effect.flip(play(battles[1]!, "x".repeat(20_000_000)))
  yield* say(large._tag === "StoreError" ? `failed ${large.message}` : large._tag)
  yield* play(battles[2]!, "small")
  const many = yield* Effect.forEach(
    battles.slice(3),
    (battle, index) => Effect.result(play(battle, index === 1 ? "x".repeat(20_000_000) : "small")),
    { concurrency: 3 }
  )
  yield* say(`together ${many.map(({ _tag }) => _tag).join(" ")}`)
}).pipe(Effect.provide(CampaignStore.layerExclusive({ filename, create: true })))

const modes: Readonly<Record<string, Effect.Effect<void, unknown>>> = { write, hold, race, fill }

if (import.meta.main) await Effect.runPromise(modes[mode ?? ""] ?? Effect.die(`no mode ${mode}`))
