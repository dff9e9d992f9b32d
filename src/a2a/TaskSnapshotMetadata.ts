/**
 * What the token extension says of a task as a whole, and of its end, so that a stream that was cut can go on exactly.
 *
 * A snapshot's metadata tell up to which event the task's text stands (`generation`) and how many tokens that text and
 * all else before it had. The end's metadata sum up what a reader who missed events cannot know.
 *
 * What is not of this shape counts as nothing said.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { TokenCount } from "../token/TokenEvent.ts"
import { TOKEN_EXTENSION_URI } from "./TokenExtension.ts"

const Snapshot = Schema.TaggedStruct("Snapshot", {
  /** The number of the last event that the snapshot contains; 0 before the first. */
  generation: TokenCount,
  /** Of all deltas so far. */
  tokens: TokenCount,
  /** The event that ended the task, in the snapshot of one that is over. */
  ended: Schema.Unknown.pipe(Schema.optionalKey)
})
type Snapshot = typeof Snapshot.Type

const Summary = Schema.Struct({
  summary: Schema.Struct({
    finishReason: Schema.NullOr(Schema.String).pipe(Schema.withDecodingDefault(Effect.succeed(null))),
    usage: Schema.NullOr(Schema.Struct({ promptTokens: TokenCount, completionTokens: TokenCount })).pipe(
      Schema.withDecodingDefault(Effect.succeed(null))
    )
  })
})
type Summary = typeof Summary.Type["summary"]

const decodeSnapshot = Schema.decodeUnknownResult(Snapshot)
const decodeSummary = Schema.decodeUnknownResult(Summary)

type Metadata = Readonly<Record<string, unknown>> | undefined

/** What the metadata of a task say of the snapshot that it is. */
export const snapshotOf = (metadata: Metadata): Snapshot | undefined =>
  Result.getOrUndefined(decodeSnapshot(metadata?.[TOKEN_EXTENSION_URI]))

/** What the metadata of the event that ends a task say of all before it. */
export const summaryOf = (metadata: Metadata): Summary | undefined =>
  Result.getOrUndefined(decodeSummary(metadata?.[TOKEN_EXTENSION_URI]))?.summary

/** The number of the event that the metadata stand on. */
export const generationOf = (metadata: Metadata): number | undefined => {
  const encoded = metadata?.[TOKEN_EXTENSION_URI]
  if (typeof encoded !== "object" || encoded === null || !("generation" in encoded)) return undefined
  const { generation } = encoded
  return typeof generation === "number" && Number.isSafeInteger(generation) && generation >= 0 ? generation : undefined
}
