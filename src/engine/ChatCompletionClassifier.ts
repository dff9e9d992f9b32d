/**
 * What the pieces of a streamed chat completion are to the watch (`Liveness.watchWith`, AsyncGuard.ts), in two forms:
 * the chunks that a client library hands on, and the body of the response as it arrives.
 *
 * Laws: tokens are counted once, from the running count of the usage, else from the token ids, else one for each choice
 * with text; role chunks, empty deltas, comments and constant counts are transport; the answer is finished when every
 * choice that has shown itself has a finish reason; an error event is an error, with the code that it names. How the
 * body is cut into pieces changes nothing but the times.
 *
 * Gotcha: an element may hold the last token and the finish, or many events. It is then all of that, and an error in it
 * counts more than what came before it.
 */
import * as Result from "effect/Result"
import { createParser } from "eventsource-parser"
import {
  type Classification,
  type Classifier,
  counted,
  error,
  finish,
  progress,
  transport
} from "../liveness/Classification.ts"
import * as ChunkCount from "./ChunkCount.ts"
import * as EngineFailure from "./EngineFailure.ts"

/** The chunks of the openai package, or of anything that speaks as it does; parsed, in their order. */
export const chunks: Classifier<object> = {
  start: () => {
    let count = ChunkCount.initial
    const seen = new Set<unknown>()
    return (chunk) => {
      if (!ChunkCount.isChunk(chunk)) return transport
      for (const choice of (chunk["choices"] ?? []) as ReadonlyArray<{ readonly index?: number } | null>) {
        seen.add(choice?.index ?? 0)
      }
      const [after, { channel, finishReason, text, tokens, usage }] = ChunkCount.read(
        count,
        chunk,
        Math.max(1, seen.size)
      )
      count = after
      if (finishReason !== null) return finish(finishReason, { tokens })
      if (text || tokens > 0) return progress({ tokens, channel: text ? channel : null })
      return usage === null ? transport : counted(usage)
    }
  }
}

/** The body of the response, cut anywhere: bytes or text. */
export const body: Classifier<Uint8Array | string> = {
  start: () => {
    const classify = chunks.start()
    const decoder = new TextDecoder()
    let found: Classification = transport
    const parser = createParser({
      onEvent: ({ data, event }) => {
        if (data.startsWith("[DONE]")) return
        found = both(
          found,
          Result.match(EngineFailure.parseEvent(data, event === "error"), {
            onSuccess: (chunk) => typeof chunk === "object" && chunk !== null ? classify(chunk) : transport,
            onFailure: (reason) =>
              error("detail" in reason ? reason.detail : reason._tag, {
                code: reason._tag === "MidStreamError" ? reason.code : null
              })
          })
        )
      }
    })
    return (piece) => {
      found = transport
      parser.feed(typeof piece === "string" ? piece : decoder.decode(piece, { stream: true }))
      return found
    }
  }
}

/** What two that came together are. */
const both = (first: Classification, second: Classification): Classification => {
  if (first._tag === "Transport" || second._tag === "Error") return first._tag === "Error" ? first : second
  if (second._tag === "Transport" || first._tag === "Error") return first
  const tokens = tokensOf(first) + tokensOf(second)
  if (first._tag === "Finish") return { ...first, tokens }
  if (second._tag === "Finish") return { ...second, tokens }
  if (first._tag === "Progress" && second._tag === "Progress") {
    return { ...first, tokens, channel: second.channel ?? first.channel }
  }
  return first._tag === "Progress" ? first : second
}

const tokensOf = (one: Classification): number => one._tag === "Progress" || one._tag === "Finish" ? one.tokens : 0
