/**
 * Two messages in one context: does the second know of the first?
 *
 * A word that the model repeats proves it. A model that does not say the word proves nothing, it may be a poor one; then
 * the engine's count of prompt tokens tells: the first message is much longer than the second, so a second prompt that is
 * longer holds the first. Without such a count it stays unknown.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { randomInt } from "node:crypto"
import type { AgentInterface, ConversationMeasurement, UpstreamMeasurement } from "./AgentMeasurements.ts"
import type { AgentProbeSettings } from "./AgentProbeSettings.ts"
import { AgentWire } from "./AgentWire.ts"
import { makeAnswer } from "./AnswerText.ts"
import { measureStream, untilSilent } from "./measureStream.ts"
import { measuredOf, UpstreamWatch } from "./UpstreamWatch.ts"

export interface ConversationOptions {
  readonly settings: AgentProbeSettings
  readonly at: AgentInterface
  readonly cardUrl: string
  readonly byStream: boolean
}

/** Words that nobody says by chance. */
const WORDS = ["marzipan", "quicksilver", "periwinkle", "tambourine", "saxifrage", "gooseberry", "obsidian", "calliope"]

const first = (word: string) =>
  `Please remember the secret word ${word} for the rest of this conversation. I shall ask you for it in my next message, ` +
  "and you will need nothing else to answer me then. Do not explain anything now, do not ask me anything, and do not use " +
  "the word in a sentence. Answer this message with the two letters OK, and with nothing else at all."
const second = "Which secret word did I tell you? Answer with the word alone."

interface Turn {
  readonly text: string
  readonly contextId: string
  readonly isOver: boolean
  readonly upstream: UpstreamMeasurement | null
}

/** Has a conversation of two turns. */
export const measureConversation = Effect.fnUntraced(function*(
  { at, byStream, cardUrl, settings }: ConversationOptions
): Effect.fn.Return<ConversationMeasurement, never, AgentWire | UpstreamWatch> {
  const word = WORDS[randomInt(WORDS.length)]!

  const streamed = (text: string, contextId?: string) =>
    Effect.map(
      measureStream({ settings, at, cardUrl, text, ...(contextId === undefined ? {} : { contextId }) }),
      ({ measured: { outcome, upstream }, record }): Turn => ({
        text: record.answer.text(),
        contextId: record.contextId(),
        isOver: outcome === "ended",
        upstream
      })
    )

  const waited = (text: string, contextId?: string) =>
    Effect.scoped(Effect.gen(function*() {
      const wire = yield* AgentWire
      const upstream = yield* (yield* UpstreamWatch).begin
      const startedAt = Number(yield* Clock.monotonicTimeNanos) / 1e6
      const got = yield* Effect.raceFirst(
        wire.call(at, { method: "send", text, waits: true, ...(contextId === undefined ? {} : { contextId }) }),
        untilSilent({
          settings,
          startedAt,
          newsAt: Effect.map(upstream.seen, ({ lastAt }) => Math.max(startedAt, lastAt ?? 0)),
          isEnough: () => false
        })
      )
      const answer = makeAnswer()
      const frame = "_tag" in got && got._tag === "Answered" ? got.frame : undefined
      if (frame !== undefined) answer.read(frame)
      const turn: Turn = {
        text: answer.text(),
        contextId: frame?.contextId ?? "",
        isOver: frame !== undefined,
        upstream: measuredOf(yield* upstream.now, startedAt)
      }
      return turn
    }))

  const say = byStream ? streamed : waited
  const nothing = { said: null, promptTokens: null, sameContext: false }
  const one = yield* say(first(word))
  if (!one.isOver) return { ...nothing, detail: "the first message was not answered" }
  if (one.contextId === "") return { ...nothing, detail: "the agent gives no context id" }
  const two = yield* say(second, one.contextId)
  if (!two.isOver) return { ...nothing, detail: "the second message was not answered" }
  return {
    said: two.text.toLowerCase().includes(word),
    promptTokens: promptsOf(one.upstream, two.upstream),
    sameContext: two.contextId === one.contextId,
    detail: ""
  }
})

/** The prompts of the two turns, if each was one request and nobody else was there. */
const promptsOf = (
  one: UpstreamMeasurement | null,
  two: UpstreamMeasurement | null
): readonly [number, number] | null => {
  const promptOf = (turn: UpstreamMeasurement | null) =>
    turn === null || turn.shared || (turn.finished !== null && turn.finished > 1) || !turn.promptTokens
      ? undefined
      : turn.promptTokens
  const [before, after] = [promptOf(one), promptOf(two)]
  return before === undefined || after === undefined ? null : [before, after]
}
