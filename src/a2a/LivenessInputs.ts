/**
 * What task events are to the reducer that watches the task of an agent.
 *
 * Tokens and whatever else has content are life; a bare state, a signal and a usage frame are transport. The agent's
 * work is complete when its task is: the finish reason of one answer inside it, which more work may follow, is not the
 * end of anything here.
 *
 * An agent that is followed by its end alone answers nothing before: no limit for the headers of an answer can be put to
 * it, so it counts as having taken its work, and the limits for a first token are in force. Neither is life.
 */
import type { Frame, LivenessInput } from "../liveness/LivenessInput.ts"
import { fromTokenEvents } from "../liveness/LivenessInput.ts"
import type { TokenEvent } from "../token/TokenEvent.ts"
import { isTokenEvent, type TaskEvent } from "./TaskEvent.ts"

/** The inputs that events make which arrived together at `at`. */
export const inputsOf = (events: ReadonlyArray<TaskEvent>, at: number): ReadonlyArray<LivenessInput> => {
  const inputs: Array<LivenessInput> = []
  let tokens: Array<TokenEvent> = []
  const flush = () => {
    if (tokens.length > 0) inputs.push(fromTokenEvents(tokens, at))
    tokens = []
  }
  for (const event of events) {
    if (isTokenEvent(event)) {
      if (event._tag !== "Finish") tokens.push(event)
      continue
    }
    flush()
    switch (event._tag) {
      case "Heartbeat":
        inputs.push({ ...event, at })
        break
      case "Followed":
        if (event.mode === "blocking") inputs.push({ _tag: "Headers", at })
        break
      case "Status":
        inputs.push(event.text === "" ? { _tag: "Headers", at } : frame(at, null))
        break
      case "Artifact":
      case "Replaced":
        inputs.push(frame(at, null))
        break
      case "Ended":
        if (event.state === "completed") inputs.push(frame(at, "completed"))
        break
    }
  }
  flush()
  return inputs
}

const frame = (at: number, finishReason: string | null): Frame => ({
  _tag: "Frame",
  at,
  tokens: 0,
  text: finishReason === null,
  usage: null,
  channel: "work",
  finishReason
})
