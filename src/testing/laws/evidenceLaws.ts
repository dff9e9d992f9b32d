/**
 * What the engine's metrics may and may not change: properties 4, 5 and 8 of the list in docs/liveness.md.
 *
 * Evidence that is ours and moves keeps a run alive for ever; evidence of somebody else is no evidence; and none of it
 * ever counts a token.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { describeWorld } from "../describeWorld.ts"
import { differs, law } from "../Law.ts"
import { merged, without } from "../parts.ts"
import { gist, play } from "../play.ts"
import { rhythmOf } from "../Reducer.ts"
import { horizonOf, inputsOf, type Kind, type Rhythm, type World } from "../World.ts"
import { scaleOf, wholeBetween, worldsFor } from "../worlds.ts"

const advancing = law({
  name: "evidence that advances",
  property: 4,
  statement: "bound, fresh evidence that advances and holds our request is never a stall, however long the silence",
  inputs: (subject) => {
    const { tickMillis } = subject.limits
    const tokens = { kind: "tokens" as const, millis: 10 * tickMillis, gapMillis: tickMillis / 10 }
    return Arbitrary.map(
      Arbitrary.schema(Schema.Struct({
        silences: Schema.Array(wholeBetween(1, scaleOf(subject).middle))
          .check(Schema.isMinLength(1), Schema.isMaxLength(2)),
        kind: Schema.Literals(["hidden", "waiting"]),
        begins: Schema.Boolean
      })),
      ({ begins, kind, silences }): World => ({
        stretches: [
          ...begins ? [tokens] : [],
          ...silences.flatMap((millis) => [
            { kind, millis: millis * 4 },
            ...begins ? [{ ...tokens, millis: tickMillis }] : []
          ])
        ],
        end: "open",
        opened: { binding: "proven" }
      })
    )
  },
  describe: describeWorld,
  check: (world, subject) => {
    const horizon = horizonOf(world)
    // After the horizon nobody scrapes.
    const { verdict } = play(inputsOf(world, rhythmOf(subject)).filter(({ at }) => at <= horizon), subject)
    return verdict._tag === "Alive" || verdict._tag === "Slow"
      ? undefined
      : `it is ${verdict._tag}${"kind" in verdict ? ` (${verdict.kind})` : ""}`
  }
})

const noTokenLost = law({
  name: "tokens without metrics",
  property: 5,
  statement: "metrics never lose a token",
  inputs: worldsFor,
  check: (world, subject) => {
    const inputs = inputsOf(world, rhythmOf(subject))
    const played = play(inputs, subject)
    const until = played.endedAt ?? Infinity
    const bare = play(without(inputs, "Scrape", "Health").filter(({ at }) => at <= until), subject)
    if (bare.endedAt !== played.endedAt) return undefined
    const sent = inputs.filter(({ _tag, at }) => _tag === "Frame" && at <= until).length
    return differs("the count with metrics", gist(played).tokens, gist(bare).tokens) ??
      differs("the count", gist(played).tokens, sent)
  }
})

const anotherReplica = law({
  name: "metrics of another replica",
  property: 8,
  statement: "metrics of a replica that is not bound change nothing",
  inputs: (subject) =>
    Arbitrary.all({
      world: worldsFor(subject, { metrics: ["idle replica"] }),
      other: Arbitrary.schema(
        Schema.Literals(["idle", "frozen", "lost", "refused", "no-decode", "asleep", "restarted", "hidden"])
      )
    }),
  check: ({ other, world }, subject) => {
    const rhythm = rhythmOf(subject)
    const inputs = without(inputsOf({ ...world, opened: { ...world.opened, binding: "unproven" } }, rhythm), "Health")
    const bare = without(inputs, "Scrape")
    const beside = other === "idle" ? inputs : merged(bare, scrapesOfReplica(other, inputs.at(-1)!.at, rhythm))
    return differs("what becomes of it", gist(play(beside, subject)), gist(play(bare, subject)))
  }
})

/** A replica that stands still for a minute and then does something else, for others. */
const scrapesOfReplica = (kind: Kind, horizonMillis: number, rhythm: Rhythm) =>
  inputsOf({
    stretches: [{ kind: "frozen", millis: 60_000 }, { kind, millis: 1e9 }],
    end: "open",
    horizonMillis
  }, rhythm).flatMap((input) =>
    input._tag !== "Scrape"
      ? []
      : typeof input.outcome === "string"
      ? [input]
      // What a replica decodes for others must not count as ours either, so it gets none of our tokens.
      : [{ ...input, outcome: { ...input.outcome, generationTokens: 5 } }]
  )

/** Properties 4, 5 and 8. */
export const evidenceLaws = [advancing, noTokenLost, anotherReplica]
