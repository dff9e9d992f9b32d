/** What metrics may and may not change. Numbers as in the model's list. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { runs } from "../support/propertyRuns.ts"
import { between, merged, without, worlds, worldsWith } from "./PropertyWorlds.ts"
import { gist, inputsOf, type Kind, play } from "./Worlds.ts"

describe("the properties of the model: evidence", () => {
  it.prop("4: bound, fresh, advancing evidence that holds our request is never a stall", [
    Schema.Array(between(1, 300_000)).check(Schema.isMinLength(1), Schema.isMaxLength(2)),
    Schema.Literals(["hidden", "waiting"]),
    Schema.Boolean
  ], ([silences, kind, begins]) => {
    const stretches = [
      ...begins ? [{ kind: "tokens" as const, millis: 10_000, gapMillis: 100 }] : [],
      ...silences.flatMap((millis) => [
        { kind, millis: millis * 4 },
        ...begins ? [{ kind: "tokens" as const, millis: 1000, gapMillis: 100 }] : []
      ])
    ]
    const { state, verdict } = play(inputsOf({ stretches, end: "open", opened: { binding: "proven" } }))
    assert.isUndefined(state.outcome, verdict._tag)
  }, runs)

  it.prop("5: metrics never lose a token", [worlds], ([world]) => {
    const inputs = inputsOf(world)
    const played = play(inputs)
    const until = played.endedAt ?? Infinity
    const bare = play(without(inputs, "Scrape", "Health").filter(({ at }) => at <= until))
    if (bare.endedAt !== played.endedAt) return
    assert.strictEqual(gist(played).tokens, gist(bare).tokens)
    const sent = inputs.filter(({ _tag, at }) => _tag === "Frame" && at <= until).length
    assert.strictEqual(gist(played).tokens, sent)
  }, runs)

  it.prop("8: metrics of an unbound replica change nothing", [
    worldsWith(["idle replica"]),
    Schema.Literals(["idle", "frozen", "lost", "refused", "no-decode", "asleep", "restarted", "hidden"])
  ], ([world, other]) => {
    const inputs = without(inputsOf({ ...world, opened: { ...world.opened, binding: "unproven" } }), "Health")
    const bare = without(inputs, "Scrape")
    const beside = other === "idle" ? inputs : merged(bare, scrapesOfReplica(other, inputs.at(-1)!.at))
    assert.deepStrictEqual(gist(play(beside)), gist(play(bare)))
  }, runs)
})

/** A replica that stands still for a minute and then does something else, for others. */
const scrapesOfReplica = (kind: Kind, horizonMillis: number) =>
  inputsOf({
    stretches: [{ kind: "frozen", millis: 60_000 }, { kind, millis: 1e7 }],
    end: "open",
    horizonMillis
  }).flatMap((input) =>
    input._tag !== "Scrape"
      ? []
      : typeof input.outcome === "string"
      ? [input]
      // What a replica decodes for others must not count as ours either, so it gets none of our tokens.
      : [{ ...input, outcome: { ...input.outcome, generationTokens: 5 } }]
  )
