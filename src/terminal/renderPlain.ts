/**
 * A campaign as plain lines, for logs and continuous integration: one line for what happens to a battle, and a line of
 * progress now and then; never one per token.
 *
 *        0.0s campaign id=demo agent=purple battles=120 concurrency=8
 *        0.1s battle   task=roman-numerals repetition=1 attempt=1 began
 *        5.0s progress done=0/120 active=8 quiet=1 tokens=660 tok_s=132
 *        7.9s attempt  task=run-length repetition=1 attempt=1 slow reason=silent-decoding quiet=5.2s engine=moving
 *        8.2s battle   task=roman-numerals repetition=1 attempt=1 scored score=0.60 tokens=134 seconds=8.1
 *        8.9s attempt  task=run-length repetition=1 attempt=1 stalled tokens=37 seconds=8.8 kind=orphaned confidence=proved …
 *        8.9s retry    task=run-length repetition=1 attempt=2 in=2.0s
 *
 * Laws: a line is one line, whatever names and reasons contain; between two lines of progress lie at least 5 s of event
 * time; an attempt is called slow once for each reason. Values are written `key=value`, quoted as JSON where they hold anything but plain characters.
 */
import type { AttemptRecord } from "../campaign/AttemptRecord.ts"
import type { Battle } from "../campaign/Battle.ts"
import type { CampaignEvent } from "../campaign/CampaignEvent.ts"
import { mostAtOnce, namesOf } from "../campaign/Definition.ts"
import { describeLimit } from "../liveness/describeLimit.ts"
import * as Cadence from "./Cadence.ts"
import * as View from "./CampaignView.ts"
import { estimateRemaining } from "./estimateRemaining.ts"
import { score } from "./Quantities.ts"
import { clip, singleLine } from "./TextWidth.ts"

/** Silence that counts as quiet, in milliseconds. */
const QUIET_MILLIS = 5_000
/** Columns of a reason. */
const REASON = 200

/** The line for an event, if it has one; `view` is the view before it. */
export const renderPlain = (view: View.CampaignView, event: CampaignEvent): string | undefined => {
  const { atMillis } = event
  switch (event._tag) {
    case "CampaignBegan": {
      const { definition } = event
      const begun = View.step(view, event)
      const before = View.done(begun)
      const resumed = before === 0 ? {} : { scored: View.scored(begun), unscored: begun.counts.unscored }
      return line(atMillis, "campaign", {
        id: definition.id,
        agent: namesOf(definition),
        battles: View.planned(begun),
        concurrency: mostAtOnce(definition),
        ...resumed
      })
    }
    case "AttemptBegan":
      return line(atMillis, "battle", { ...named(view, event.battle), attempt: event.number }, "began")
    case "ModeFound":
      return line(atMillis, "agent", { agent: event.agent, mode: event.mode }, "followed", {
        why: shortened(event.why)
      })
    case "TokensArrived":
      return View.isProgressDue(view, event) ? renderProgress(View.step(view, event), atMillis) : undefined
    case "OutlookChanged":
      return outlookChanged(view, event)
    case "AttemptEnded":
      return attemptEnded(view, event.record, atMillis)
    case "RetryWaits": {
      const attempt = View.waitOf(View.step(view, event), View.keyOf(event.battle))?.number
      return line(atMillis, "retry", { ...named(view, event.battle), attempt, in: seconds(event.delayMillis) })
    }
    case "GateChanged":
      return View.isGateNews(view, event)
        ? line(atMillis, "gate", { [event.of]: event.endpoint }, event.state, {
          canary_in: canaryIn(event),
          why: shortened(event.why)
        })
        : undefined
    case "OperatorNeeded":
      return line(atMillis, "gate", { [event.of]: event.endpoint }, "look", { why: shortened(event.message) })
    case "OutcomesChanged": {
      const outcome = event.battles[0]?.outcome._tag === "Unscored" ? "unscored" : "pending"
      return line(atMillis, "battles", { count: event.battles.length }, outcome, { why: shortened(event.why) })
    }
    case "EpochBegan":
      // The first epoch of an engine is no news.
      return event.isFirst
        ? undefined
        : line(atMillis, "engine", { engine: event.engine, models: event.models }, "epoch", {
          why: shortened(event.why)
        })
    case "LoadSeen":
      return undefined
    case "LaneHalted":
      return event.why === null
        ? line(atMillis, "lane", { lane: event.lane }, "goes on")
        : line(atMillis, "lane", { lane: event.lane }, "halted", { why: shortened(event.why) })
    case "ConcurrencyChanged":
      return line(atMillis, "lane", { lane: event.lane, concurrency: event.battles })
    case "Stopping":
      return line(atMillis, "campaign", { active: View.active(view) }, "stopping", { why: shortened(event.why) })
    case "CampaignEnded": {
      const { counts: { pending, unscored }, tokens } = view
      return line(
        atMillis,
        "campaign",
        { scored: View.scored(view), unscored, pending, tokens },
        event.end._tag.toLowerCase()
      )
    }
  }
}

/** A line of progress at `now` (event time, in milliseconds). */
export const renderProgress = (view: View.CampaignView, now: number): string => {
  const attempts = View.attemptsOf(view)
  const slow = attempts.filter(({ outlook }) => outlook.slow !== null).length
  const remaining = estimateRemaining(view, now)
  return line(now, "progress", {
    done: `${View.done(view)}/${View.planned(view)}`,
    active: View.active(view),
    quiet: attempts.filter((attempt) => View.silenceOf(attempt, now) > QUIET_MILLIS).length,
    slow: slow === 0 ? undefined : slow,
    tokens: view.tokens,
    tok_s: Math.round(Cadence.rate(view.cadence, now, View.RATE_MILLIS) ?? 0),
    eta: remaining === undefined ? undefined : whole(remaining.millis),
    eta_low: remaining === undefined ? undefined : whole(remaining.lowMillis),
    eta_high: remaining === undefined ? undefined : whole(remaining.highMillis)
  })
}

const whole = (millis: number): string => `${Math.round(millis / 1000)}s`

/** An attempt is called slow, for another reason than before, or is found stalled and not ended. */
const outlookChanged = (
  view: View.CampaignView,
  { atMillis, battle, number, outlook }: Extract<CampaignEvent, { readonly _tag: "OutlookChanged" }>
): string | undefined => {
  const attempt = View.attemptOf(view, View.keyOf(battle))
  if (attempt?.number !== number) return undefined
  const what = { ...named(view, battle), attempt: number }
  const quiet = seconds(View.silenceOf(attempt, atMillis))
  const { engine, limit, slow, stalled } = outlook
  if (stalled !== null) {
    return attempt.outlook.stalled === stalled
      ? undefined
      : line(atMillis, "attempt", what, "stalled", { kind: stalled, quiet, policy: "warn" })
  }
  return slow === null || attempt.slow.includes(slow) ? undefined : line(atMillis, "attempt", what, "slow", {
    reason: slow,
    quiet,
    engine: engine === "unknown" ? undefined : engine,
    limit: limit === null ? undefined : describeLimit(limit)
  })
}

/** When the engine is asked; nothing where that is at once. */
const canaryIn = ({ atMillis, nextCanaryAtMillis }: View.GateShown): string | undefined =>
  nextCanaryAtMillis === null || nextCanaryAtMillis <= atMillis ? undefined : seconds(nextCanaryAtMillis - atMillis)

const attemptEnded = (view: View.CampaignView, record: AttemptRecord, atMillis: number): string => {
  const { battle, durationMillis, error, number, outcome, tokens, verdict } = record
  const what = { ...named(view, battle), attempt: number }
  const stall = error?._tag === "Stalled" ? { kind: error.kind, confidence: error.confidence } : {}
  const spent = { tokens, seconds: (durationMillis / 1000).toFixed(1), ...stall }
  switch (outcome._tag) {
    case "Scored":
      return line(atMillis, "battle", what, "scored", { score: score(outcome.grade.score), ...spent })
    case "Unscored":
      return line(atMillis, "battle", what, "unscored", { ...spent, reason: shortened(outcome.reason) })
    case "Pending":
      return line(atMillis, "attempt", what, verdict, {
        ...spent,
        error: error === null ? undefined : shortened(error.message)
      })
  }
}

export type Values = { readonly [key: string]: string | number | undefined }

/** With its agent, where there are several. */
const named = ({ definition }: View.CampaignView, { agent, repetition, task }: Battle): Values =>
  definition === undefined || definition.agents.length === 1 ? { task, repetition } : { task, agent, repetition }

/** Any text as one line of bounded length. */
export const shortened = (text: string): string => clip(singleLine(text), REASON)

export const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)}s`

/** A plain line: when, of what kind, and what. Values without a value are left out. */
export const line = (atMillis: number, kind: string, ...parts: ReadonlyArray<string | Values>): string =>
  [seconds(atMillis).padStart(9), kind.padEnd(8), ...parts.map((part) => typeof part === "string" ? part : pairs(part))]
    .filter((part) => part !== "")
    .join(" ")

const pairs = (values: Values): string =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${written(String(value))}`)
    .join(" ")

const written = (value: string): string => {
  const text = singleLine(value)
  return text !== "" && /^[^\s"=\\]+$/u.test(text) ? text : JSON.stringify(text)
}
