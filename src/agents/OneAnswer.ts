/**
 * Several calls of an engine as one answer: a pure reducer over the events of all of them.
 *
 * A call ends with its `Finish`; its `Usage` comes after that, or not at all. Both are held back until the whole is over, or
 * until an event that ends the task or lets it wait for its client.
 *
 * Laws: deltas come out as they went in, in order; tool calls too, with numbers that no two calls share; at most one `Finish`
 * and one `Usage` come out, and the `Usage` is the sum of those of all calls or is left out.
 *
 * Gotcha: a hop further out has one run for all calls, and once that has begun it judges a silence by the limit between two
 * tokens, though a call that waits for its first token may be silent for longer. So such a call is told outwards as work of
 * the agent, which vouches for itself: the watch of the call has a limit of its own, and ends it.
 */
import type { TaskEvent } from "../a2a/TaskEvent.ts"

type Usage = Extract<TaskEvent, { readonly _tag: "Usage" }>
type Finish = Extract<TaskEvent, { readonly _tag: "Finish" }>
type Heartbeat = Extract<TaskEvent, { readonly _tag: "Heartbeat" }>

/** What is remembered of the calls so far. */
export interface OneAnswer {
  /** Tokens of the calls that have finished. */
  readonly before: number
  /** Tokens of the call that goes on. */
  readonly tokens: number
  /** The number of its first tool call in the whole answer. */
  readonly firstTool: number
  /** The number that the next tool call would have. */
  readonly nextTool: number
  readonly finishes: number
  readonly usages: number
  /** Held back. */
  readonly finish: Finish | undefined
  readonly usage: Usage | undefined
}

/** Before the first call. */
export const begin: OneAnswer = {
  before: 0,
  tokens: 0,
  firstTool: 0,
  nextTool: 0,
  finishes: 0,
  usages: 0,
  finish: undefined,
  usage: undefined
}

/** The answer after events that came together, and what is told of them. */
export const step = (
  answer: OneAnswer,
  events: ReadonlyArray<TaskEvent>
): readonly [OneAnswer, ReadonlyArray<TaskEvent>] => {
  const now: { -readonly [Field in keyof OneAnswer]: OneAnswer[Field] } = { ...answer }
  const out: Array<TaskEvent> = []
  const nextCall = () => {
    now.before += now.tokens
    now.tokens = 0
    now.firstTool = now.nextTool
  }
  for (const event of events) {
    switch (event._tag) {
      case "Delta":
        now.tokens += event.tokens
        out.push(event)
        break
      case "ToolCallDelta": {
        const index = now.firstTool + event.index
        now.tokens += event.tokens
        now.nextTool = Math.max(now.nextTool, index + 1)
        out.push({ ...event, index })
        break
      }
      case "Signal":
        // One that failed has no finish, and may have been followed by another.
        if (event.signal === "accepted") nextCall()
        out.push(event)
        break
      case "Finish":
        nextCall()
        now.finishes++
        now.finish = event
        break
      case "Usage":
        now.usages++
        now.usage = sumOf(now.usage, event)
        break
      case "Heartbeat":
        out.push(beatOf(now, event))
        break
      case "Ended":
      case "Status":
        if (event._tag === "Ended" || event.state === "input-required" || event.state === "auth-required") {
          out.push(...heldBy(now))
          now.finish = undefined
          now.usage = undefined
        }
        out.push(event)
        break
      default:
        out.push(event)
    }
  }
  return [now, out]
}

/** What is held back, to be told at the end. */
export const heldBy = ({ finish, finishes, usage, usages }: OneAnswer): ReadonlyArray<TaskEvent> => [
  ...finish === undefined ? [] : [finish],
  ...usage === undefined || usages !== finishes ? [] : [usage]
]

const sumOf = (sum: Usage | undefined, { completionTokens, promptTokens }: Usage): Usage => ({
  _tag: "Usage",
  completionTokens: (sum?.completionTokens ?? 0) + completionTokens,
  promptTokens: (sum?.promptTokens ?? 0) + promptTokens
})

/** A heartbeat of one call, as one of all of them. */
const beatOf = ({ before, tokens }: OneAnswer, beat: Heartbeat): Heartbeat => {
  const count = before + Math.max(tokens, beat.tokens)
  const isFirstOfLater = before > 0 && tokens === 0 && beat.tokens === 0
  const isBounded = beat.engine === "unknown" && beat.limit !== undefined
  return { ...beat, tokens: count, ...isFirstOfLater && isBounded ? { phase: "agent-work" } : {} }
}
