/**
 * A campaign run from a program, with a store and a view of its own: it is paused after its first battle, and another
 * process would go on with it from the lines that the store has written.
 *
 *     node --conditions=a2a-campaign-source examples/campaignFromCode.ts
 *
 * The engine is the simulated one, which says the same to every prompt; with `url` set to a vLLM server, this is yours.
 */
import { Campaign, type CampaignEvent, type CampaignInput } from "a2a-campaign/Campaign"
import { CampaignStore, type Journal, StoreError, StoreErrorReason, StoreOperation } from "a2a-campaign/CampaignStore"
import { Simulator } from "a2a-campaign/Simulator"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** What would stand in a campaign.toml, in the same words. */
const campaignAt = (url: string): CampaignInput => ({
  name: "capitals",
  repeat: 2,
  concurrency: 1,
  engine: [{ name: "gpu", url: `${url}/v1` }],
  agent: [{ name: "my-model", engine: "gpu", "max-tokens": 100 }],
  task: [
    {
      id: "france",
      prompt: "What is the capital of France?",
      grader: { kind: "text", match: "contains", expected: "Paris" }
    },
    {
      id: "italy",
      prompt: "What is the capital of Italy?",
      grader: { kind: "text", match: "contains", expected: "Rome" }
    }
  ]
})

/**
 * The store: whatever is done to the campaign, as a line of JSON. A table or a topic would do as well. A line without its end
 * was being written when the machine went down; nothing rests on it, and the next one shall not be glued to it.
 */
const journalIn = (file: string): Journal => {
  const Line = Schema.fromJsonString(Schema.toCodecJson(StoreOperation))
  const failed = (operation: string) => (cause: unknown) =>
    new StoreError({ reason: StoreErrorReason.cases.Query.make({ operation, detail: String(cause) }) })
  return {
    read: Effect.try({
      try: () => {
        const text = existsSync(file) ? readFileSync(file, "utf8") : ""
        const whole = text.slice(0, text.lastIndexOf("\n") + 1)
        if (whole !== text) writeFileSync(file, whole)
        return whole.split("\n").slice(0, -1)
      },
      catch: failed("read the journal")
    }).pipe(
      Effect.flatMap(Effect.forEach((line) => Schema.decodeEffect(Line)(line))),
      Effect.mapError((error) => error._tag === "StoreError" ? error : failed("read the journal")(error))
    ),
    append: (operation) =>
      Schema.encodeEffect(Line)(operation).pipe(
        Effect.flatMap((line) =>
          Effect.try({ try: () => appendFileSync(file, `${line}\n`), catch: failed("write the journal") })
        ),
        Effect.mapError((error) => error._tag === "StoreError" ? error : failed("write the journal")(error))
      )
  }
}

/** The view: a line for what it cares for. */
const view = (event: CampaignEvent): Effect.Effect<void> => {
  switch (event._tag) {
    case "AttemptEnded": {
      const { battle, outcome, tokens } = event.record
      const score = outcome._tag === "Scored" ? outcome.grade.score : outcome._tag
      return Console.log(`${battle.task} #${battle.repetition}: ${score} (${tokens} tokens)`)
    }
    case "Stopping":
      return Console.log(`stopping, because ${event.why}`)
    default:
      return Effect.void
  }
}

/** Plays until nothing is pending, or until a battle has ended where only one is wanted. */
const play = (onlyOne: boolean) =>
  Effect.gen(function*() {
    const campaign = yield* Campaign
    const { end, summary: { battles, score } } = yield* campaign.play({
      onEvent: (event) =>
        Effect.andThen(
          view(event),
          onlyOne && event._tag === "AttemptEnded" ? Effect.ignore(campaign.pause()) : Effect.void
        )
    })
    yield* Console.log(`${end._tag}: ${battles.scored} of ${battles.planned} scored, mean ${score}`)
  })

const program = Effect.gen(function*() {
  const { url } = yield* Simulator
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "capitals-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
  )
  const campaign = Campaign.layer(campaignAt(url)).pipe(
    Layer.provide(Layer.suspend(() => CampaignStore.layerJournal(journalIn(join(folder, "journal.jsonl")))))
  )
  // Built anew each time, as two processes would.
  yield* play(true).pipe(Effect.provide(campaign, { local: true }))
  yield* play(false).pipe(Effect.provide(campaign, { local: true }))
})

const simulator = Simulator.layer({
  host: "127.0.0.1",
  port: 0,
  interTokenMillis: 1,
  answers: { _tag: "FixedText", text: "Paris, as always." }
})

await Effect.runPromise(Effect.scoped(Effect.provide(program, simulator)))
