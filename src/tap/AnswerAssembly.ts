/**
 * From the chunks of a streamed completion to the object that the engine would have answered whole.
 *
 * It does not matter how the answer was cut into chunks, nor how many choices are told in turn. Texts and pieces of tool
 * calls are strung together; of what is told again and again the last word counts that is not `null`; what is not known is
 * joined as the SDKs join it (joinFields.ts), or kept. vLLM writes many fields as `null` only where an answer is whole:
 * vllmAnswer.ts puts them there.
 *
 * Gotcha: engines name `id` and `name` of a tool call once, some with each piece; the same again is no further piece.
 */
import { type Fields, isFields, join, joinPerToken } from "./joinFields.ts"
import { isOfVllm, vllmAnswer } from "./vllmAnswer.ts"

interface Choice {
  /** Strung together: `text`, or the fields of the message. */
  readonly message: Fields
  readonly toolCalls: Map<number, Fields>
  /** Everything else that was told of it. */
  readonly rest: Fields
}

/** Told once, or of no meaning in a whole answer. */
const SETTLED = new Set(["object", "choices"])

export class AnswerAssembly {
  readonly #api: "chat" | "completion"
  readonly #choices = new Map<number, Choice>()
  readonly #rest: Fields = {}

  constructor(api: "chat" | "completion") {
    this.#api = api
  }

  /** Whether the engine has told how many tokens there were. */
  get hasUsage(): boolean {
    return isFields(this.#rest["usage"])
  }

  readonly add = (chunk: Readonly<Record<string, unknown>>): void => {
    for (const [key, value] of Object.entries(chunk)) {
      if (!SETTLED.has(key)) keep(this.#rest, key, value, key === "id" || key === "created" || key === "model")
    }
    for (const choice of (chunk["choices"] ?? []) as ReadonlyArray<unknown>) {
      if (isFields(choice)) this.#addChoice(choice)
    }
  }

  /** The whole answer. */
  readonly result = (): Fields => {
    const { created, id, model, ...rest } = this.#rest
    const choices = Array.from(this.#choices).toSorted(([left], [right]) => left - right)
    const answer = {
      id,
      object: this.#api === "chat" ? "chat.completion" : "text_completion",
      created,
      model,
      choices: choices.map(([index, choice]) => this.#choiceOf(index, choice)),
      ...rest
    }
    const isVllm = Array.from(this.#choices.values()).some(({ rest }) => isOfVllm(rest))
    return isVllm ? vllmAnswer(this.#api, answer) : answer
  }

  #addChoice({ delta, index, logprobs, text, ...more }: Fields): void {
    const number = typeof index === "number" ? index : 0
    let choice = this.#choices.get(number)
    if (choice === undefined) {
      choice = { message: {}, toolCalls: new Map(), rest: {} }
      this.#choices.set(number, choice)
    }
    const { message, rest } = choice
    if (text !== undefined) message["text"] = join(message["text"], text)
    if (isFields(delta)) addDelta(choice, delta)
    if (logprobs !== undefined) rest["logprobs"] = joinPerToken(rest["logprobs"], logprobs)
    for (const [key, value] of Object.entries(more)) {
      const known = rest[key]
      if (Array.isArray(known) && Array.isArray(value)) rest[key] = [...known, ...value]
      else keep(rest, key, value, false)
    }
  }

  #choiceOf(index: number, { message, rest, toolCalls }: Choice): Fields {
    const { finish_reason: finishReason = null, logprobs, ...more } = rest
    const told = logprobs === undefined ? {} : { logprobs }
    if (this.#api === "completion") {
      return { index, text: message["text"] ?? "", ...told, finish_reason: finishReason, ...more }
    }
    return { index, message: messageOf(message, toolCalls), ...told, finish_reason: finishReason, ...more }
  }
}

/** Keeps the last word that is not `null`, or the first. */
const keep = (fields: Fields, key: string, value: unknown, first: boolean): void => {
  const known = fields[key]
  if (known === undefined || known === null || (!first && value !== null)) fields[key] = value
}

const addDelta = ({ message, toolCalls }: Choice, { role, tool_calls: calls, ...more }: Fields): void => {
  if (typeof role === "string") message["role"] ??= role
  for (const [key, value] of Object.entries(more)) message[key] = join(message[key], value)
  if (!Array.isArray(calls)) return
  for (const call of calls) {
    if (!isFields(call)) continue
    const { index, ...piece } = call
    const number = typeof index === "number" ? index : 0
    toolCalls.set(number, joinToolCall(toolCalls.get(number), piece))
  }
}

const joinToolCall = (before: Fields | undefined, piece: Fields): Fields => {
  if (before === undefined) return piece
  const joined: Fields = { ...before }
  for (const [key, value] of Object.entries(piece)) {
    const known = joined[key]
    joined[key] = key === "function" && isFields(known) && isFields(value)
      ? joinFunction(known, value)
      : value === null || value === "" || known === value
      ? known ?? value
      : value
  }
  return joined
}

const joinFunction = (before: Fields, piece: Fields): Fields => {
  const joined: Fields = { ...before }
  for (const [key, value] of Object.entries(piece)) {
    joined[key] = key === "name" && joined[key] === value ? value : join(joined[key], value)
  }
  return joined
}

/** Nothing but calls and reasoning is said without a content; an answer of nothing has an empty one. */
const messageOf = ({ content, role, ...more }: Fields, toolCalls: ReadonlyMap<number, Fields>): Fields => {
  const calls = Array.from(toolCalls).toSorted(([left], [right]) => left - right).map(([, call]) => call)
  const isElsewhere = calls.length > 0 || isFields(more["function_call"]) || isText(more["refusal"]) ||
    isText(more["reasoning"]) || isText(more["reasoning_content"])
  return {
    role: role ?? "assistant",
    content: isText(content) ? content : isElsewhere ? null : "",
    ...more,
    ...(calls.length === 0 ? {} : { tool_calls: calls })
  }
}

const isText = (value: unknown): boolean => typeof value === "string" && value !== ""
