/**
 * What of a task's events is its answer, as text to be written on as it comes: a pure fold.
 *
 * Laws: the pieces of an agent that only adds to its answer are the answer, byte for byte. What was written stays: where an
 * agent replaces its answer by one that goes on from it only the rest is written, and by another one all of that, in a
 * line of its own. Data is JSON, in lines of its own. An agent that has said nothing but a status has that for an answer.
 */
import { isTokenEvent, type TaskEvent } from "../a2a/TaskEvent.ts"

export interface AnswerText {
  /** The answer so far. */
  readonly content: string
  /** The last text of a status. */
  readonly says: string
  readonly written: boolean
  readonly isLineStart: boolean
}

export const empty: AnswerText = { content: "", says: "", written: false, isLineStart: true }

export interface AnswerStep {
  readonly answer: AnswerText
  /** What is to be written now. */
  readonly text: string
  readonly reasoning: string
  /** Whether something else was written before than what the answer is now. */
  readonly replaced: boolean
}

/** The answer after events that arrived together. */
export const step = (answer: AnswerText, events: ReadonlyArray<TaskEvent>): AnswerStep => {
  let { content, isLineStart, says } = answer
  let text = ""
  let reasoning = ""
  let replaced = false
  const add = (piece: string) => {
    if (piece === "") return
    text += piece
    isLineStart = piece.endsWith("\n")
  }
  const breakLine = () => add(isLineStart ? "" : "\n")
  for (const event of events) {
    if (isTokenEvent(event)) {
      if (event._tag !== "Delta") continue
      if (event.channel === "reasoning") reasoning += event.text
      else {
        content += event.text
        add(event.text)
      }
    } else if (event._tag === "Replaced") {
      if (event.text.startsWith(content)) add(event.text.slice(content.length))
      else {
        replaced = true
        breakLine()
        add(event.text)
      }
      content = event.text
    } else if (event._tag === "Artifact") {
      for (const part of event.parts) {
        breakLine()
        add(part._tag === "Text" ? part.text : JSON.stringify(part.data, null, 2))
        breakLine()
      }
    } else if (event._tag === "Status" || event._tag === "Ended") says = event.text || says
  }
  return { answer: { content, says, isLineStart, written: answer.written || text !== "" }, text, reasoning, replaced }
}

/** What is still to be written when the task has completed. */
export const rest = ({ says, written }: AnswerText): string => written ? "" : says
