/**
 * What the simulated model answers to a prompt.
 *
 * An answer source is data (it can come from a configuration file): one fixed text, a script of regular expressions
 * with candidate answers, random words, or tokens of no meaning in a given number.
 *
 * A text may mark reasoning and tool calls as models do; see OutputParser.ts.
 *
 * Law: the answer is a pure function of source, simulator seed, prompt and draw. The draw is the request's own `seed`
 * if it has one; else it is the number of times this prompt was seen before. Then every round of n requests serves each
 * of the n candidates once, in an order that depends on the seed: scores do not depend on the order of arrival.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { demonstrationEntries } from "./DemonstrationAnswers.ts"
import * as SeededRandom from "./SeededRandom.ts"
import { seedOf } from "./SeededRandom.ts"
import { tokenize } from "./Tokenizer.ts"

const RegularExpression = Schema.String.check(
  Schema.makeFilter((source: string) =>
    Result.isSuccess(Result.try(() => new RegExp(source))) ? undefined : `not a regular expression: ${source}`
  )
)

const TokenCount = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/**
 * Where answers come from. `FixedText`: always this text. `Script`: the first entry whose pattern (source of a regular
 * expression) is found in the prompt; an unmatched prompt gets random words. `RandomWords`: sentences of about `tokens`
 * tokens (half to one and a half of it). `LengthOnly`: exactly `tokens` tokens, made as they are needed.
 */
export const AnswerSource = Schema.TaggedUnion({
  FixedText: { text: Schema.String },
  Script: {
    entries: Schema.Array(Schema.Struct({ pattern: RegularExpression, answers: Schema.NonEmptyArray(Schema.String) }))
  },
  RandomWords: { tokens: TokenCount },
  LengthOnly: { tokens: TokenCount }
})
export type AnswerSource = typeof AnswerSource.Type

/** The three programming tasks of DemonstrationAnswers.ts. */
export const demonstration: typeof AnswerSource.Encoded = {
  _tag: "Script",
  entries: demonstrationEntries.map(({ answers: [first, ...others], pattern }) => ({
    pattern,
    answers: [first!, ...others]
  }))
}

/** A finished answer, token by token; `token(index)` is defined for 0 <= index < `length`. */
export interface Answer {
  readonly length: number
  readonly token: (index: number) => string
}

/** What makes one request differ from another one with the same prompt. */
export interface Draw {
  /** "seeded": the request has a seed of its own; "nth": it has none. */
  readonly kind: "seeded" | "nth"
  /** That seed, or how often the prompt was seen before. */
  readonly number: number
}

/** The draw as a part of a seed, for everything else that is drawn per request. */
export const drawKey = (draw: Draw): string => `${draw.kind} ${draw.number}`

const fromTokens = (tokens: ReadonlyArray<string>): Answer => ({
  length: tokens.length,
  token: (index) => tokens[index]!
})

const candidateIndex = (candidates: number, seed: number, prompt: string, draw: Draw): number => {
  if (draw.kind === "seeded") return seedOf(seed, "candidate", prompt, draw.number) % candidates
  const round = Math.floor(draw.number / candidates)
  return SeededRandom.permutation(candidates, seedOf(seed, "round", prompt, round))[draw.number % candidates]!
}

const words =
  ("the a model token stream answer value question result number time first last other many few small large open " +
    "simple careful quick slow quiet steady server network engine memory signal window river stone garden letter " +
    "carries follows returns begins ends holds moves reads writes counts keeps finds and or but because while when")
    .split(" ")

const randomWords = (meanTokens: number, random: SeededRandom.SeededRandom): Answer => {
  const length = Math.round(meanTokens * (0.5 + random.uniform()))
  const tokens: Array<string> = []
  let leftInSentence = 0
  while (tokens.length < length) {
    const word = words[random.integer(words.length)]!
    if (leftInSentence === 0) {
      leftInSentence = 5 + random.integer(12)
      const begin = word[0]!.toUpperCase() + word.slice(1)
      tokens.push(tokens.length === 0 ? begin : ` ${begin}`)
    } else {
      leftInSentence--
      tokens.push(leftInSentence === 0 ? "." : ` ${word}`)
    }
  }
  return fromTokens(tokens)
}

const unmatchedTokens = 120

/** An answer source made ready: answers each prompt by the law above. */
export type Answering = (prompt: string, draw: Draw) => Answer

/** Prepares a source once for all requests. */
export const make = (source: AnswerSource, seed: number): Answering => {
  const wordsFor = (meanTokens: number): Answering => (prompt, draw) =>
    randomWords(meanTokens, SeededRandom.make(seedOf(seed, "words", prompt, drawKey(draw))))
  return AnswerSource.match(source, {
    FixedText: ({ text }): Answering => {
      const answer = fromTokens(tokenize(text))
      return () => answer
    },
    LengthOnly: ({ tokens }): Answering => () => ({
      length: tokens,
      token: (index) => index === 0 ? "token" : " token"
    }),
    RandomWords: ({ tokens }) => wordsFor(tokens),
    Script: ({ entries }): Answering => {
      const prepared = entries.map(({ answers, pattern }) => ({
        expression: new RegExp(pattern),
        answers: answers.map((text) => fromTokens(tokenize(text)))
      }))
      const otherwise = wordsFor(unmatchedTokens)
      return (prompt, draw) => {
        const entry = prepared.find(({ expression }) => expression.test(prompt))
        if (entry === undefined) return otherwise(prompt, draw)
        return entry.answers[candidateIndex(entry.answers.length, seed, prompt, draw)]!
      }
    }
  })
}

/** The same answers, each after a reasoning of about `meanTokens` tokens, unless it begins with one; 0 = as they are. */
export const withReasoning = (answering: Answering, meanTokens: number, seed: number): Answering => {
  if (meanTokens === 0) return answering
  return (prompt, draw) => {
    const answer = answering(prompt, draw)
    if (answer.length > 0 && answer.token(0) === "<think>") return answer
    const thought = randomWords(meanTokens, SeededRandom.make(seedOf(seed, "reasoning", prompt, drawKey(draw))))
    const before = thought.length + 2
    return {
      length: before + answer.length,
      token: (index) => {
        if (index >= before) return answer.token(index - before)
        return index === 0 ? "<think>" : index === before - 1 ? "</think>" : thought.token(index - 1)
      }
    }
  }
}

/**
 * Counts how often each prompt was seen. Only a hash of the prompt is kept; should two prompts share one, they share
 * the count, which moves one of them on in its round and changes nothing else.
 */
export const makeDrawCounter = (): (prompt: string, requestSeed: Option.Option<number>) => Draw => {
  const seen = new Map<number, number>()
  return (prompt, requestSeed) => {
    if (Option.isSome(requestSeed)) return { kind: "seeded", number: requestSeed.value }
    const key = seedOf(prompt)
    const seenBefore = seen.get(key) ?? 0
    seen.set(key, seenBefore + 1)
    return { kind: "nth", number: seenBefore }
  }
}
