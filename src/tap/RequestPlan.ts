/**
 * What is to be known of a completion before it is sent: its kind, for the limits that were learned for it, and whether
 * its answer can be asked for as a stream and put together again without anybody noticing. Pure.
 *
 * A request that asks for something that a stream does not have, or has in another form, is sent as it is. What is asked
 * for as a stream keeps every other letter of its body.
 */
import * as Result from "effect/Result"
import { withMembers } from "./JsonMembers.ts"

export interface RequestPlan {
  readonly api: "chat" | "completion"
  readonly model: string
  /** What the request allows; `null` where it does not say. */
  readonly maxTokens: number | null
  /** The length of all its messages; `null` where that cannot be read. */
  readonly promptCharacters: number | null
  /** How many answers it asks for. */
  readonly choices: number
  readonly wantsStream: boolean
  /** Whether a text stands in one of its messages. */
  readonly mentions: (text: string) => boolean
  /** The body that asks for a stream of what was asked for whole; undefined where that cannot be. */
  readonly streamed: string | undefined
}

type Fields = Readonly<Record<string, unknown>>

/** The plan of a request with this body; nothing where the body is not that of a completion. */
export const planOf = (api: RequestPlan["api"], body: string): RequestPlan | undefined => {
  const parsed = Result.getOrUndefined(
    Result.try({ try: () => JSON.parse(body) as unknown, catch: () => undefined })
  )
  if (!isFields(parsed)) return undefined
  const wantsStream = parsed["stream"] === true
  const canBeStreamed = !wantsStream && (parsed["stream"] ?? false) === false && !asksForMore(api, parsed)
  return {
    api,
    model: typeof parsed["model"] === "string" ? parsed["model"] : "",
    maxTokens: countOf(parsed["max_completion_tokens"]) ?? countOf(parsed["max_tokens"]),
    promptCharacters: api === "chat" ? charactersOfMessages(parsed["messages"]) : charactersOf(parsed["prompt"]),
    choices: countOf(parsed["n"]) ?? 1,
    wantsStream,
    mentions: (text) => holds(api === "chat" ? parsed["messages"] : parsed["prompt"], text),
    streamed: canBeStreamed ? withMembers(body, REPLACED, ADDED) : undefined
  }
}

const REPLACED = new Set(["stream"])
const ADDED = ["\"stream\":true", "\"stream_options\":{\"include_usage\":true}"]

/** Fields that ask for what no stream has; `false`, `null` and empty lists ask for nothing. */
const WHOLE_ONLY = [
  "prompt_logprobs",
  "use_beam_search",
  "audio",
  // vLLM tells a stream the ids of an echoed prompt, asked for or not.
  "echo",
  "kv_transfer_params",
  "web_search_options",
  "return_hidden_states",
  "stream_options"
]

const asksForMore = (api: RequestPlan["api"], fields: Fields): boolean => {
  if (WHOLE_ONLY.some((name) => isAsked(fields[name]))) return true
  if (isAsked(fields["best_of"]) && fields["best_of"] !== 1) return true
  const { prompt } = fields
  return api === "completion" && Array.isArray(prompt) && prompt.length > 1 && typeof prompt[0] !== "number"
}

const isAsked = (value: unknown): boolean => value !== undefined && value !== null && value !== false

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const countOf = (value: unknown): number | null =>
  Number.isSafeInteger(value) && Number(value) > 0 ? Number(value) : null

const charactersOfMessages = (messages: unknown): number | null =>
  Array.isArray(messages)
    ? messages.reduce<number>((sum, message) => sum + charactersOf(isFields(message) ? message["content"] : null), 0)
    : null

/** Of a text, a list of texts, or a list of parts that have a text. */
const charactersOf = (content: unknown): number => {
  if (typeof content === "string") return content.length
  if (!Array.isArray(content)) return 0
  return content.reduce<number>(
    (sum, part) => sum + (typeof part === "string" ? part.length : isFields(part) ? charactersOf(part["text"]) : 0),
    0
  )
}

/** Whether a text stands in a message, whatever its role: in its content as a text, or in one of its parts. */
const holds = (content: unknown, text: string): boolean => {
  if (typeof content === "string") return content.includes(text)
  if (Array.isArray(content)) return content.some((part) => holds(part, text))
  return isFields(content) && (holds(content["content"], text) || holds(content["text"], text))
}
