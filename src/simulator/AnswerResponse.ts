/**
 * What a request is answered: a stream as its outputs come, one JSON object when all are there, or why not.
 *
 * Facts kept here: an answer whose engine ends without its last output (it was cut by a fault, or its engine has died)
 * ends with an error event and `[DONE]`, or not streamed with the error's status; outputs that nothing is told of write
 * nothing, so that they are no sign of life.
 */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import * as ChatWire from "./ChatWire.ts"
import type * as Connection from "./Connection.ts"
import { engineDead } from "./EngineErrors.ts"
import type { EngineOutput } from "./EngineLoop.ts"
import type { EngineProcess } from "./EngineProcess.ts"
import type { ErrorBody } from "./ErrorBody.ts"
import * as EventStream from "./EventStream.ts"
import * as BodyFaults from "./faults/BodyFaults.ts"
import type { OwnAction } from "./faults/FaultBoard.ts"
import type { SimulatorOptions } from "./SimulatorOptions.ts"

/** An error with its status, and when to come back if that is said; 0: it is not. */
export const refusalOf = (error: ErrorBody, retryAfterSeconds = 0) =>
  HttpServerResponse.jsonUnsafe(error, {
    status: error.error.code,
    ...(retryAfterSeconds === 0 ? {} : { headers: { "retry-after": String(Math.ceil(retryAfterSeconds)) } })
  })

/** One chunk per piece, several tokens where the engine was faster than the reader. */
const piecesOf = (
  encoder: ChatWire.StreamEncoder,
  insertions: ReadonlyArray<BodyFaults.Insertion>
): (outputs: ReadonlyArray<EngineOutput>) => BodyFaults.Piece => {
  // Outputs that nothing was told of count with the next ones.
  let told = 0
  let inserted = 0
  const insertedBefore = (output: EngineOutput) => {
    let text = ""
    while (inserted < insertions.length && insertions[inserted]!.afterTokens < output.generated) {
      text += insertions[inserted++]!.text
    }
    return text
  }
  return (outputs) => {
    const text = insertions.length === 0
      ? encoder.encode(outputs)
      : outputs.map((output) => insertedBefore(output) + encoder.encode([output])).join("")
    const { finishReason, generated } = outputs.at(-1)!
    const tokens = text === "" ? 0 : generated - told
    told += tokens
    return { text, tokens, finishes: finishReason !== undefined }
  }
}

/** The answer to one request, from the engine's side. */
export interface Answered {
  readonly options: SimulatorOptions
  readonly process: EngineProcess
  readonly connection: Connection.Connection
  readonly outputs: Stream.Stream<EngineOutput>
  readonly actions: ReadonlyArray<OwnAction>
}

/** The error of an answer that ends without its last output. */
const errorOf = (process: EngineProcess, actions: ReadonlyArray<OwnAction>): ErrorBody => {
  const end = BodyFaults.earliestEnd(actions)?.end
  return process.state === "dead" || end?._tag !== "ErrorEvent"
    ? engineDead
    : BodyFaults.errorBodyOf(end, engineDead.error.message)
}

/** The answer as it comes. Its headers leave at once, unless the server was told to hold them back. */
export const streamed = (
  answered: Answered,
  encoder: ChatWire.StreamEncoder
): HttpServerResponse.HttpServerResponse => {
  const { actions, connection, options, outputs, process } = answered
  const encode = piecesOf(encoder, BodyFaults.insertionsOf(actions))
  const bytesOf = BodyFaults.makeEncoding(actions)
  const isGone = () => process.state === "gone"
  const early = options.headers === "at-once" && BodyFaults.actionOf(actions, "Buffer") === undefined &&
    BodyFaults.actionOf(actions, "HoldHeaders") === undefined
  let finished = false
  const first = BodyFaults.actionOf(actions, "RoleChunkFirst") === undefined
    ? Stream.empty
    : Stream.suspend(() => Stream.make(BodyFaults.piece(encoder.begin())))
  const pieces = Stream.mapArray(outputs, (waiting) => {
    const one = encode(waiting)
    finished = one.finishes
    return [one] as const
  })
  const otherEnd = Stream.suspend(() => {
    if (finished) return Stream.empty
    const end = process.state === "dead" ? undefined : BodyFaults.earliestEnd(actions)?.end
    return BodyFaults.endPieces(
      end ?? { _tag: "ErrorEvent", code: 500 },
      ChatWire.errorEvents(errorOf(process, actions)),
      connection
    )
  })
  const body = Stream.concat(first, pieces).pipe(
    Stream.concat(otherEnd),
    BodyFaults.afterFinish(actions, connection),
    BodyFaults.withNoise(actions, encoder.noise, isGone),
    EventStream.keepAlive(
      options.sseKeepAliveInterval,
      () => isGone() ? undefined : BodyFaults.piece(EventStream.comment)
    ),
    BodyFaults.buffered(actions),
    BodyFaults.withIdleCut(actions, connection),
    Stream.filter(({ text }) => text !== ""),
    Stream.mapArray((pieces) => {
      connection.flushHeaders()
      const all: Array<Uint8Array<ArrayBuffer>> = []
      for (const one of pieces) {
        const parts = bytesOf(one.text)
        connection.written(one, parts.reduce((sum, { length }) => sum + length, 0))
        all.push(...parts)
      }
      return all as [Uint8Array<ArrayBuffer>, ...Array<Uint8Array<ArrayBuffer>>]
    })
  )
  const begun = Stream.suspend(() => {
    if (early) connection.flushHeaders()
    return body
  })
  return HttpServerResponse.stream(begun, {
    contentType: BodyFaults.actionOf(actions, "ContentType")?.value ?? "text/event-stream; charset=utf-8"
  })
}

/** The answer when it is complete. */
export const whole = Effect.fnUntraced(function*(
  { actions, connection, outputs, process }: Answered,
  completionOf: (collected: ReadonlyArray<EngineOutput>) => object
) {
  const collected = yield* Stream.runCollect(outputs)
  const last = collected.at(-1)
  if (last?.finishReason === undefined) {
    const end = process.state === "dead" ? undefined : BodyFaults.earliestEnd(actions)?.end
    if (end !== undefined && end._tag !== "ErrorEvent") return yield* connection.drop
    return refusalOf(errorOf(process, actions))
  }
  const body = new TextEncoder().encode(JSON.stringify(completionOf(collected)))
  connection.written({ text: "", tokens: last.generated, finishes: true }, body.length)
  return HttpServerResponse.uint8Array(body, { contentType: "application/json" })
})
