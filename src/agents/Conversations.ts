/**
 * What was said in each context: the turns that a model is told again when its client goes on in the same context.
 *
 * Only turns that came to their end are kept. Laws: a conversation is never longer than the bound, its oldest turns going
 * first; all conversations together are never longer than theirs, the one used longest ago going first. A conversation is that of a
 * user, in a tenant, in a context.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgentRequest } from "../a2a/AgentExecutor.ts"
import { isTokenEvent, type TaskEvent } from "../a2a/TaskEvent.ts"
import type { EngineMessage } from "../engine/Engine.ts"
import * as Transcript from "../token/Transcript.ts"

/** How much of what was said is told again. */
export interface ConversationLimits {
  /** The most characters of one conversation that a model is told again. 60 000 unless given. */
  readonly characters: number
  /** The most characters of all conversations. 30 million unless given. */
  readonly allCharacters: number
}

/** A message, and what was answered. */
export interface ConversationTurn {
  /** What the model was asked. */
  readonly question: string
  /** What it said, without its reasoning. */
  readonly answer: string
}

/** The conversations of one agent. */
export class Conversations {
  readonly #limits: ConversationLimits
  /** The one used longest ago first. */
  readonly #turns = new Map<string, ReadonlyArray<ConversationTurn>>()
  #characters = 0

  constructor({ allCharacters = 30_000_000, characters = 60_000 }: Partial<ConversationLimits> = {}) {
    this.#limits = { allCharacters, characters: Math.min(characters, allCharacters) }
  }

  /**
   * A message as a turn of its conversation. `answer` gets what a model is to be told: the turns before, and the message
   * itself, data as JSON. What it says is kept once it has come to its end.
   */
  turn<E, R>(
    request: AgentRequest,
    answer: (messages: ReadonlyArray<EngineMessage>) => Stream.Stream<TaskEvent, E, R>
  ): Stream.Stream<TaskEvent, E, R> {
    return Stream.suspend(() => {
      const context = JSON.stringify([request.user, request.tenant, request.contextId])
      const question = promptOf(request)
      let transcript = Transcript.empty
      return answer([...this.before(context), { role: "user", content: question }]).pipe(
        Stream.mapArray((events) => {
          for (const event of events) {
            if (isTokenEvent(event)) transcript = Transcript.step(transcript, event)
            else if (event._tag === "Replaced") transcript = { ...transcript, content: event.text }
          }
          return events
        }),
        Stream.onEnd(Effect.sync(() => this.add(context, { question, answer: transcript.content })))
      )
    })
  }

  /** What was said in the context before, as a model is told it. */
  before(context: string): ReadonlyArray<EngineMessage> {
    return (this.#turns.get(context) ?? []).flatMap(({ answer, question }) => [
      { role: "user", content: question } as const,
      { role: "assistant", content: answer } as const
    ])
  }

  /** Keeps a turn that has come to its end. */
  add(context: string, turn: ConversationTurn): void {
    const before = this.#turns.get(context) ?? []
    const turns = lastOf([...before, turn], this.#limits.characters)
    this.#turns.delete(context)
    this.#turns.set(context, turns)
    this.#characters += lengthOf(turns) - lengthOf(before)
    for (const [oldest, turns] of this.#turns) {
      if (this.#characters <= this.#limits.allCharacters) return
      this.#turns.delete(oldest)
      this.#characters -= lengthOf(turns)
    }
  }
}

/** What the model is asked: the text, and data as JSON. */
const promptOf = ({ data, text }: AgentRequest): string =>
  [...text === "" ? [] : [text], ...data.map((value) => JSON.stringify(value))].join("\n")

const lengthOf = (turns: ReadonlyArray<ConversationTurn>): number =>
  turns.reduce((sum, { answer, question }) => sum + answer.length + question.length, 0)

/** As many of the last turns as have no more characters. */
const lastOf = (turns: ReadonlyArray<ConversationTurn>, characters: number): ReadonlyArray<ConversationTurn> => {
  let from = turns.length
  for (let left = characters; from > 0; from--) {
    left -= lengthOf([turns[from - 1]!])
    if (left < 0) break
  }
  return turns.slice(from)
}
