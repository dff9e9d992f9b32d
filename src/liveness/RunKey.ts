/**
 * Which finished runs tell anything about the next one: those at the same endpoint and model, of the same shape and under
 * the same load. Only such runs can be taken for exchangeable, which is all that a learned limit assumes.
 *
 * Shape is what the request asks for, as far as silence depends on it: the wait for the first token grows with the
 * prompt, and the largest gap with the number of gaps, so with the tokens allowed. Both in bands of powers of four, as
 * wide as they can be without mixing what differs by an order of magnitude: each band has to collect some 200 finished
 * runs before it teaches anything. The prompt is counted in characters, because only the engine can count its tokens.
 * Load is how many requests the engine runs: gaps grow with its batch.
 *
 * Law: the key is made once, when the run is sent, of what is known then; what came of the run must not choose where it
 * is counted. `textOf` is the same for equal keys and different for different ones, and stays so from version to
 * version, because stores are searched by it; `parse` is its inverse.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** A power of four: at least as many as asked for, and less than four times as many; `null` if unknown. */
const Band = Schema.NullOr(Schema.Int.check(Schema.isGreaterThan(0)))

/** How many requests the engine was running. */
export const Load = Schema.Literals(["up to 4", "up to 16", "more", "unknown"])
export type Load = typeof Load.Type

/** What makes runs comparable: limits are learned from runs of the same key. */
export const RunKey = Schema.Struct({
  /** The address as in `RunName`; nothing secret, because it is stored. */
  endpoint: Schema.String,
  /** The model that was asked. */
  model: Schema.String,
  /** What was asked for, in bands of powers of four. */
  shape: Schema.Struct({ maxTokens: Band, promptCharacters: Band }),
  /** How busy the engine was. */
  load: Load
})
export type RunKey = typeof RunKey.Type

export interface RunCircumstances {
  readonly endpoint: string
  readonly model: string
  /** What the request allows. */
  readonly maxTokens?: number | null | undefined
  /** The length of all messages of the request together. */
  readonly promptCharacters?: number | null | undefined
  /** Requests the engine runs, by its metrics, when this one is sent. */
  readonly running?: number | null | undefined
}

/** The key of a run that is about to be sent. */
export const make = ({ endpoint, maxTokens, model, promptCharacters, running }: RunCircumstances): RunKey => ({
  endpoint,
  model,
  shape: { maxTokens: bandOf(maxTokens), promptCharacters: bandOf(promptCharacters) },
  load: loadOf(running)
})

/** One line for each key, for people and for a store. */
export const textOf = ({ endpoint, load, model, shape }: RunKey): string =>
  JSON.stringify([endpoint, model, shape.maxTokens, shape.promptCharacters, load])

/** The key of such a line; none if the line is no key's. */
export const parse = (text: string): Option.Option<RunKey> => Option.map(decodeLine(text), keyOfParts)

const decodeLine = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Tuple([Schema.String, Schema.String, Band, Band, Load]))
)

const keyOfParts = (
  [endpoint, model, maxTokens, promptCharacters, load]: readonly [string, string, number | null, number | null, Load]
): RunKey => ({ endpoint, model, shape: { maxTokens, promptCharacters }, load })

/** The smallest power of four that is not less; `null` for what is no count. */
const bandOf = (count: number | null | undefined): number | null => {
  if (!isCount(count)) return null
  let band = 1
  while (band < count) band *= 4
  return band
}

const loadOf = (running: number | null | undefined): Load => {
  if (!isCount(running)) return "unknown"
  return running <= 4 ? "up to 4" : running <= 16 ? "up to 16" : "more"
}

/** Large enough for any prompt, and no band of it is too large to be exact. */
const LARGEST = 4 ** 24

const isCount = (count: number | null | undefined): count is number =>
  typeof count === "number" && count >= 0 && count <= LARGEST
