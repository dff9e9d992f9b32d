/**
 * What faults change of the bytes of a streamed answer.
 *
 * A body is a stream of pieces, each of which is one write; this file changes which pieces there are, in the order in
 * which a byte meets them on its way: what ends the answer early or goes on behind it, what stands between its events,
 * what holds it back, how its characters become bytes.
 *
 * Law: without such faults every function here is the identity.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { errorBody } from "../ErrorBody.ts"
import type { BodyEnd, NoiseFrame } from "./FaultAction.ts"
import type { OwnAction } from "./FaultBoard.ts"

/** Text for one write. */
export interface Piece {
  readonly text: string
  /** Tokens that it tells. */
  readonly tokens: number
  /** It carries the finish reason. */
  readonly finishes: boolean
}

/** The connection under a response, as far as faults use it. */
export interface Wire {
  /** Sends RST, a little later. */
  readonly reset: Effect.Effect<never>
  /** Sends the beginning of a chunk that is longer, then FIN. */
  readonly cut: Effect.Effect<never>
}

export const piece = (text: string, tokens = 0): Piece => ({ text, tokens, finishes: false })

export const actionOf = <Tag extends OwnAction["_tag"]>(
  actions: ReadonlyArray<OwnAction>,
  tag: Tag
): Extract<OwnAction, { readonly _tag: Tag }> | undefined =>
  actions.find((action): action is Extract<OwnAction, { readonly _tag: Tag }> => action._tag === tag)

/** The end that comes first, of those that end the answer early. */
export const earliestEnd = (actions: ReadonlyArray<OwnAction>) =>
  actions.flatMap((action) => action._tag === "End" ? [action] : [])
    .toSorted((left, right) => left.afterTokens - right.afterTokens)[0]

const errorTypes: Readonly<Record<number, string>> = { 400: "BadRequestError", 500: "InternalServerError" }

/** What a client is told of an answer that fails. */
export const errorBodyOf = (end: Extract<BodyEnd, { readonly _tag: "ErrorEvent" }>, byDefault: string) =>
  errorBody(end.code, errorTypes[end.code] ?? "InternalServerError", end.message ?? byDefault)

/** Events that are put in front of the first output that has at least so many tokens. */
export interface Insertion {
  readonly afterTokens: number
  readonly text: string
}

const brokenEvent =
  "data: {\"id\":\"chatcmpl-broken\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\n\n"

const hugeEvent = (bytes: number) =>
  `data: ${
    JSON.stringify({
      id: "chatcmpl-huge",
      object: "chat.completion.chunk",
      created: 0,
      model: "",
      choices: [{ index: 0, delta: { content: "" }, logprobs: null, finish_reason: null }],
      padding: "x".repeat(bytes)
    })
  }\n\n`

export const insertionsOf = (actions: ReadonlyArray<OwnAction>): ReadonlyArray<Insertion> =>
  actions.flatMap((action): ReadonlyArray<Insertion> => {
    if (action._tag === "BrokenEvent") return [{ afterTokens: action.afterTokens, text: brokenEvent }]
    if (action._tag === "HugeEvent") return [{ afterTokens: action.afterTokens, text: hugeEvent(action.bytes) }]
    return []
  })

const halfEvent = "data: {\"id\":\"chatcmpl-"

/** What stands behind an answer that ended early. */
export const endPieces = (end: BodyEnd, errorText: string, wire: Wire): Stream.Stream<Piece> => {
  switch (end._tag) {
    case "ErrorEvent":
      return Stream.make(piece(errorText))
    case "CleanEnd":
      return Stream.empty
    case "Done":
      return Stream.make(piece("data: [DONE]\n\n"))
    case "HalfEvent":
      return Stream.make(piece(halfEvent))
    case "Reset":
      return Stream.fromEffectDrain(wire.reset)
    case "Cut":
      return Stream.fromEffectDrain(wire.cut)
  }
}

/** The events of the last piece without `[DONE]`, and without the usage unless it shall stay. */
const withoutEnd = (text: string, usage: boolean): string => {
  const events = text.split(/(?<=\n\n)/)
  const kept = events.filter((event) => !event.startsWith("data: [DONE]"))
  return kept.filter((event) => usage || !event.includes("\"choices\":[]")).join("")
}

/** What comes behind the finish reason. */
export const afterFinish = (actions: ReadonlyArray<OwnAction>, wire: Wire) => (pieces: Stream.Stream<Piece>) => {
  const action = actionOf(actions, "AfterFinish")
  if (action === undefined) return pieces
  let finished = false
  return Stream.concat(
    Stream.map(pieces, (one) => {
      if (!one.finishes) return one
      finished = true
      return { ...one, text: withoutEnd(one.text, action.usage) }
    }),
    Stream.suspend(() => {
      if (!finished || action.then === "end") return Stream.empty
      return action.then === "stay-open" ? Stream.never : Stream.fromEffectDrain(wire.reset)
    })
  )
}

const every = (seconds: number, text: () => string): Stream.Stream<Piece> =>
  Stream.fromEffectRepeat(Effect.delay(Effect.sync(() => piece(text())), seconds * 1000))

/** Frames that come again and again, whatever else is told; none when the process is gone. */
export const withNoise = (
  actions: ReadonlyArray<OwnAction>,
  frames: (frame: NoiseFrame) => string,
  isGone: () => boolean
) =>
(pieces: Stream.Stream<Piece>) =>
  actions.flatMap((action) => action._tag === "Noise" ? [action] : []).reduce(
    (before, { everySeconds, frame }) =>
      Stream.merge(before, every(everySeconds, () => isGone() ? "" : frames(frame)), { haltStrategy: "left" }),
    pieces
  )

/** Everything at once, when it is complete. */
export const buffered = (actions: ReadonlyArray<OwnAction>) => (pieces: Stream.Stream<Piece>): Stream.Stream<Piece> => {
  if (actionOf(actions, "Buffer") === undefined) return pieces
  return Stream.fromEffect(
    Effect.map(Stream.runCollect(pieces), (all) => ({
      text: all.map(({ text }) => text).join(""),
      tokens: all.reduce((sum, { tokens }) => sum + tokens, 0),
      finishes: all.some(({ finishes }) => finishes)
    }))
  )
}

/** The connection is cut when nothing was told for so long. */
export const withIdleCut = (actions: ReadonlyArray<OwnAction>, wire: Wire) => (pieces: Stream.Stream<Piece>) => {
  const action = actionOf(actions, "IdleCut")
  if (action === undefined) return pieces
  return Stream.unwrap(Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    let last = now()
    const watch: Effect.Effect<never> = Effect.suspend(() => {
      const left = last + action.seconds * 1000 - now()
      return left <= 0 ? wire.cut : Effect.andThen(Effect.sleep(left), watch)
    })
    return Stream.merge(
      Stream.tap(pieces, () =>
        Effect.sync(() => {
          last = now()
        })),
      Stream.fromEffectDrain(watch),
      { haltStrategy: "left" }
    )
  }))
}

const utf8 = new TextEncoder()

/** Where a character of several bytes continues. */
const isContinuation = (byte: number) => (byte & 0xc0) === 0x80

const splitCharacters = (bytes: Uint8Array<ArrayBuffer>): ReadonlyArray<Uint8Array<ArrayBuffer>> => {
  const parts: Array<Uint8Array<ArrayBuffer>> = []
  let from = 0
  for (let at = 1; at < bytes.length; at++) {
    if (!isContinuation(bytes[at]!) || isContinuation(bytes[at - 1]!)) continue
    parts.push(bytes.subarray(from, at))
    from = at
  }
  parts.push(bytes.subarray(from))
  return parts
}

/** A character of several bytes for answers that have none. */
const wideComment = ": ……\n\n"

/** How pieces become writes; stateful, because a byte order mark stands at the beginning only. */
export const makeEncoding = (
  actions: ReadonlyArray<OwnAction>
): (text: string) => ReadonlyArray<Uint8Array<ArrayBuffer>> => {
  const ways = new Set(actions.flatMap((action) => action._tag === "Encode" ? [action.how] : []))
  let begun = false
  return (text) => {
    let changed = ways.has("split-characters") ? wideComment + text : text
    if (ways.has("crlf")) changed = changed.replaceAll("\n", "\r\n")
    if (ways.has("byte-order-mark") && !begun) changed = `\uFEFF${changed}`
    begun = true
    const bytes = utf8.encode(changed)
    if (ways.has("one-byte-writes")) return Array.from(bytes, (_, index) => bytes.subarray(index, index + 1))
    return ways.has("split-characters") ? splitCharacters(bytes) : [bytes]
  }
}
