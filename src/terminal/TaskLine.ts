/**
 * A watched task as lines of JSON, for programs: every event as it came, every verdict as it changed, and the end.
 *
 * The shape is for scripts: names stay, and what is added comes as new names. `atMs` is milliseconds since the message was
 * sent, and it does not fall. The events are those of TaskEvent.ts, and `End` is the last line and comes once.
 */
import * as Schema from "effect/Schema"
import { TaskEvent } from "../a2a/TaskEvent.ts"
import { Battle, Outcome } from "../campaign/Battle.ts"
import { RunError } from "../liveness/RunError.ts"
import { Verdict } from "../liveness/Verdict.ts"
import { outcomeOf } from "./renderTask.ts"
import * as TaskView from "./TaskView.ts"

const At = Schema.Struct({ atMs: Schema.Finite })
const Millis = Schema.NullOr(Schema.Finite)

const VerdictLine = Schema.TaggedStruct("Verdict", { verdict: Verdict })

const EndLine = Schema.TaggedStruct("End", {
  outcome: Schema.Literals(["completed", "interrupted", "stalled", "slow", "failed"]),
  /** Why there is no answer, with its evidence. */
  error: Schema.NullOr(RunError),
  mode: Schema.NullOr(Schema.String),
  /** What `tokens` counts. */
  unit: Schema.Literals(["tokens", "pieces"]),
  tokens: Schema.Int,
  ttftMs: Millis,
  tokensPerSecond: Millis,
  largestGapMs: Millis,
  promptTokens: Schema.NullOr(Schema.Int),
  completionTokens: Schema.NullOr(Schema.Int),
  finishReason: Schema.NullOr(Schema.String),
  durationMs: Schema.Finite
})

/** Of a campaign's battle: whose events follow. */
const AttemptLine = Schema.TaggedStruct("Attempt", { battle: Battle, attempt: Schema.Int })

/** What has become of a campaign's battle. */
const OutcomeLine = Schema.TaggedStruct("Outcome", { battle: Battle, outcome: Outcome })

/** What stands on a line besides its time. */
const Content = Schema.Union([TaskEvent, VerdictLine, EndLine, AttemptLine, OutcomeLine])
type Content = typeof Content.Type

const encodeContent = Schema.encodeSync(Content)
const decodeContent = Schema.decodeUnknownSync(Content)
const decodeAt = Schema.decodeUnknownSync(At)

const tenths = (millis: number): number => Math.round(millis * 10) / 10
const tenthsOf = (millis: number | null): number | null => millis === null ? null : tenths(millis)

/** A line without its break. */
export const encode = (atMillis: number, content: Content): string =>
  JSON.stringify({ atMs: tenths(atMillis), ...encodeContent(content) as object })

/** What a line says; throws where it is none. */
export const decode = (line: string): { readonly atMs: number; readonly content: Content } => {
  const value: unknown = JSON.parse(line)
  return { ...decodeAt(value), content: decodeContent(value) }
}

/** A verdict that was told. */
export const verdict = (verdict: Verdict): Content => ({ _tag: "Verdict", verdict })

/** An attempt that begins to be shown. */
export const attempt = (battle: Battle, attempt: number): Content => ({ _tag: "Attempt", battle, attempt })

/** What has become of a battle. */
export const outcome = (battle: Battle, outcome: Outcome): Content => ({ _tag: "Outcome", battle, outcome })

/** What a task that is over came to. */
export const end = (view: TaskView.TaskView, now: number): Content => {
  const figures = TaskView.figures(view, now)
  return {
    _tag: "End",
    outcome: outcomeOf(view),
    error: view.end?._tag === "Broken" ? view.end.error : null,
    mode: view.followed?.mode ?? null,
    unit: TaskView.unit(view),
    tokens: figures.tokens,
    ttftMs: tenthsOf(figures.timeToFirstTokenMillis),
    tokensPerSecond: tenthsOf(figures.tokensPerSecond),
    largestGapMs: tenthsOf(figures.largestGapMillis),
    promptTokens: figures.promptTokens,
    completionTokens: figures.completionTokens,
    finishReason: figures.finishReason,
    durationMs: tenths(figures.durationMillis)
  }
}
