/**
 * Why an agent that was to be started by its command line is not there.
 *
 * One outer error with a tagged reason. The message of every reason is one line and ends with what the user can do; it
 * names the file with the agent's output, of which it shows the last lines only. They were written by the agent: one line
 * of each is made, without control characters.
 */
import * as Schema from "effect/Schema"
import { oneLine } from "../a2a/AgentFault.ts"
import { inSeconds } from "../liveness/inSeconds.ts"

const LastLines = Schema.Array(Schema.String)

const Reason = Schema.TaggedUnion({
  /** There is no process: the command, its directory or its variables are wrong. */
  NotStarted: { detail: Schema.String },
  /** The process has ended before its card answered. */
  ExitedEarly: { exitCode: Schema.NullOr(Schema.Int), signal: Schema.NullOr(Schema.String), lastLines: LastLines },
  /** The process runs, and its card has not answered; `detail` is what asking for it last gave. */
  NotReady: { url: Schema.String, afterMillis: Schema.Finite, detail: Schema.String, lastLines: LastLines },
  /** Something answers at the address that we have not started. */
  AddressInUse: { url: Schema.String },
  /** It was ready once, and has died too often in a row; `lastDeath` says how at last. */
  GaveUp: { deaths: Schema.Int, lastDeath: Schema.String, lastLines: LastLines }
})

/** How a process ended, in words. A shell tells the signal that ended its command by an exit code above 128. */
export const describeEnd = (end: { readonly exitCode: number | null; readonly signal: string | null }): string =>
  end.signal !== null
    ? `was ended by ${end.signal}`
    : end.exitCode !== null && end.exitCode > 128
    ? `ended with exit code ${end.exitCode} (signal ${end.exitCode - 128})`
    : `ended with exit code ${end.exitCode}`

/** As many of the last lines as a message bears. */
const LINES_SHOWN = 3

const saying = (lines: ReadonlyArray<string>): string => {
  const shown = lines.map(oneLine).filter((line) => line !== "").slice(-LINES_SHOWN)
  return shown.length === 0 ? "without a word" : `saying at last: ${shown.join(" | ")}`
}

/** What has happened to an agent, in words that follow its name. */
export const describeReason = (reason: typeof Reason.Type): string => {
  switch (reason._tag) {
    case "NotStarted":
      return `could not be started: ${oneLine(reason.detail)}`
    case "ExitedEarly":
      return `${describeEnd(reason)} before its card answered, ${saying(reason.lastLines)}`
    case "NotReady":
      return `has no card at ${reason.url} after ${inSeconds(reason.afterMillis)} (${oneLine(reason.detail)}), ` +
        saying(reason.lastLines)
    case "AddressInUse":
      return `was not started, because something else answers at ${reason.url} already and would be tested in its place`
    case "GaveUp":
      return `has died ${reason.deaths} times in a row; at last it ${oneLine(reason.lastDeath)}, ` +
        saying(reason.lastLines)
  }
}

/** What the user can do. */
const advice: Record<(typeof Reason.Type)["_tag"], string> = {
  NotStarted: "correct its command, its working directory or its environment",
  ExitedEarly: "correct its command, which must stay in the foreground",
  NotReady: "check that its command listens at that address, or wait longer",
  AddressInUse: "stop that, or give the agent another address",
  GaveUp: "find out why it dies, then resume the campaign"
}

export class AgentProcessError extends Schema.TaggedError<AgentProcessError>()("AgentProcessError", {
  /** Of the agent. */
  name: Schema.String,
  logFile: Schema.String,
  reason: Reason
}) {
  override get message(): string {
    const { logFile, name, reason } = this
    return `agent "${oneLine(name)}" ${describeReason(reason)}; ${advice[reason._tag]} (its output: ${logFile})`
  }
}

/** The reasons, to be made. */
export const { AddressInUse, ExitedEarly, GaveUp, NotReady, NotStarted } = Reason.cases
