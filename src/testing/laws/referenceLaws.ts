/**
 * The reducer says what the reference model says (reference/referenceVerdict.ts): of every world the same end, at the same
 * time, with the same count of tokens, and of a stall the same kind.
 *
 * The two share the types of what they are told and no line of what decides.
 */
import { differs, law } from "../Law.ts"
import { play } from "../play.ts"
import { rhythmOf } from "../Reducer.ts"
import { referenceVerdict } from "../reference/referenceVerdict.ts"
import { inputsOf } from "../World.ts"
import { worldsFor } from "../worlds.ts"

const sameEnd = law({
  name: "the reference model",
  property: null,
  statement: "a run ends as the reference model says, then, and with as many tokens",
  inputs: worldsFor,
  check: (world, subject) => {
    const inputs = inputsOf(world, rhythmOf(subject))
    const { endedAt, verdict } = play(inputs, subject)
    const isFinal = verdict._tag !== "Alive" && verdict._tag !== "Slow"
    const told = isFinal
      ? {
        tag: verdict._tag,
        kind: verdict._tag === "Stalled" ? verdict.kind : undefined,
        endedAt,
        tokens: verdict.tokens
      }
      : undefined
    const reference = referenceVerdict(inputs, subject.limits)
    return differs(
      "the end",
      told,
      reference === undefined
        ? undefined
        : { ...reference, kind: reference.tag === "Stalled" ? reference.kind : undefined }
    )
  }
})

/** That the reducer and the reference agree. */
export const referenceLaws = [sameEnd]
