/**
 * What a client that reads the token extension says of its message: which attempt it is, and how patient it wants to be.
 *
 * It stands under the extension's key of the message's metadata. An agent passes it on to the agents it asks, so that
 * the hop that decides about a silence, and the record of its verdict, know it. Whatever is there and is not of this
 * shape counts as nothing said.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { TOKEN_EXTENSION_URI } from "./TokenExtension.ts"

/** No client makes an agent wait a hundred times as long as it would. */
const MOST_PATIENCE = 100

/** What a message says of the attempt that it belongs to, for agents that know the token extension. */
export const AttemptMetadata = Schema.Struct({
  /** Counted from 1. */
  attempt: Schema.Int.check(Schema.isGreaterThan(0)).pipe(Schema.withDecodingDefault(Effect.succeed(1))),
  /** The factor on every limit of a silence about which nobody knows anything. */
  patience: Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: MOST_PATIENCE })).pipe(
    Schema.withDecodingDefault(Effect.succeed(1))
  ),
  /** Where the agent may ask its engine for this message, so that whoever sent it sees the tokens: a tap. */
  engineBaseUrl: Schema.optionalKey(Schema.String)
})
export type AttemptMetadata = typeof AttemptMetadata.Type

const decode = Schema.decodeUnknownResult(AttemptMetadata)

/** As a message's metadata. */
export const encode = (said: AttemptMetadata): Record<string, unknown> => ({ [TOKEN_EXTENSION_URI]: said })

/** What a message's metadata say. */
export const read = (metadata: Readonly<Record<string, unknown>> | undefined): AttemptMetadata => {
  const decoded = decode(metadata?.[TOKEN_EXTENSION_URI] ?? {})
  return Result.isSuccess(decoded) ? decoded.success : { attempt: 1, patience: 1 }
}
