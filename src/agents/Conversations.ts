/**
 * What was said in each context: the turns that a model is told again when its client goes on in the same context.
 *
 * Only turns that came to their end are kept. Laws: a conversation is never longer than the bound, its oldest turns going
 * first; all conversations together are never longer than theirs, the one used longest ago going first.
 */
import type { EngineMessage } from "../engine/Engine.ts"

/** How much of what was said is told again. */
export interface ConversationLimits {
  /** The most characters of one conversation that a model is told again. 60 000 unless given. */
  readonly characters: number
  /** The most characters of all conversations. 30 million unless given. */
  readonly allCharacters: number
}

interface Turn {
  readonly question: string
  readonly answer: string
}

export class Conversations {
  readonly #limits: ConversationLimits
  /** The one used longest ago first. */
  readonly #turns = new Map<string, ReadonlyArray<Turn>>()
  #characters = 0

  constructor({ allCharacters = 30_000_000, characters = 60_000 }: Partial<ConversationLimits> = {}) {
    this.#limits = { allCharacters, characters: Math.min(characters, allCharacters) }
  }

  /** What was said in the context before, as a model is told it. */
  before(context: string): ReadonlyArray<EngineMessage> {
    return (this.#turns.get(context) ?? []).flatMap(({ answer, question }) => [
      { role: "user", content: question } as const,
      { role: "assistant", content: answer } as const
    ])
  }

  /** Keeps a turn that has come to its end. */
  add(context: string, turn: Turn): void {
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

const lengthOf = (turns: ReadonlyArray<Turn>): number =>
  turns.reduce((sum, { answer, question }) => sum + answer.length + question.length, 0)

/** As many of the last turns as have no more characters. */
const lastOf = (turns: ReadonlyArray<Turn>, characters: number): ReadonlyArray<Turn> => {
  let from = turns.length
  for (let left = characters; from > 0; from--) {
    left -= lengthOf([turns[from - 1]!])
    if (left < 0) break
  }
  return turns.slice(from)
}
