/**
 * When a task is asked for again, as one pure step per answer.
 *
 * It is asked for soon while something changes and more rarely while nothing does, and never for more than half of the
 * time, so that neither side is busy with snapshots alone. A question that got no answer in time is asked again and counts
 * for nothing: whether the task is hung is for the watch to judge. Connections that cannot be made, or break, some times
 * in a row without an answer in between end it, with the first of them; they are waited for as long as a stream that broke.
 */
import { FailReason } from "../liveness/Failed.ts"

/** The waits between two questions, in milliseconds. */
export const FASTEST = 250
const SLOWEST = 2000
const SLOWER = 1.5
/** The waits after failures that follow each other, in milliseconds. */
const RETRY_DELAYS = [0, 500, 2000]
/** The most that an agent may ask us to wait, in milliseconds. */
const MOST_ASKED = 60_000

export type Answer =
  /** `tookMillis` is how long the question was under way; `isNews`: it said something that was not known. */
  | { readonly _tag: "Answered"; readonly isNews: boolean; readonly tookMillis: number }
  | { readonly _tag: "Unanswered" }
  | { readonly _tag: "Failed"; readonly reason: FailReason }

export interface Poll {
  /** The wait before the next question, in milliseconds. */
  readonly waitMillis: number
  /** While nothing changes and all goes well. */
  readonly paceMillis: number
  /** The first of the failures in a row. */
  readonly first: FailReason | undefined
  readonly failures: number
  /** Why the task is not asked for any more. */
  readonly end: FailReason | undefined
}

/** Before the first question, which is asked at once, or of an agent that was tried often enough already. */
export const begin = (waitMillis: number, isLastTry = false): Poll => ({
  waitMillis,
  paceMillis: FASTEST,
  first: undefined,
  failures: isLastTry ? RETRY_DELAYS.length : 0,
  end: undefined
})

export const step = (poll: Poll, answer: Answer): Poll => {
  switch (answer._tag) {
    case "Answered": {
      const paceMillis = answer.isNews ? FASTEST : Math.min(SLOWEST, poll.paceMillis * SLOWER)
      return { ...begin(Math.max(paceMillis, Math.min(SLOWEST, answer.tookMillis))), paceMillis }
    }
    case "Unanswered":
      return { ...poll, waitMillis: SLOWEST }
    case "Failed":
      return failed(poll, answer.reason)
  }
}

const failed = (poll: Poll, reason: FailReason): Poll => {
  // An agent that wants to be asked more rarely is well.
  if (reason._tag === "RateLimited") {
    return { ...poll, waitMillis: Math.min(MOST_ASKED, Math.max(SLOWEST, reason.retryAfterMillis ?? 0)) }
  }
  const first = poll.first ?? reason
  const waitMillis = isPassing(reason) ? RETRY_DELAYS[poll.failures] : undefined
  return waitMillis === undefined
    ? { ...poll, first, end: isPassing(reason) ? lost(first) : reason }
    : { ...poll, first, failures: poll.failures + 1, waitMillis }
}

/** Whether it may be otherwise a moment later. An error of the protocol is one that the agent did not mean for ever. */
const isPassing = ({ _tag }: FailReason): boolean =>
  _tag === "ConnectError" || _tag === "ConnectionLost" || _tag === "Unavailable" || _tag === "ServerError" ||
  _tag === "MidStreamError"

/** An agent that was there and is not any more is a connection that was lost. */
const lost = (reason: FailReason): FailReason =>
  reason._tag === "ConnectError" ? FailReason.cases.ConnectionLost.make({ detail: reason.detail }) : reason
