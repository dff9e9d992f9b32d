/**
 * The rows of an export, as they are written: the schema `a2a-campaign/export/1`, from which docs/export.schema.json and
 * the tables of columns in docs/export.md are made.
 *
 * Laws: a row holds what JSON can carry, so nothing is encoded a second time; its keys always stand in this order; times
 * are ISO 8601 in UTC, durations end in `_ms`. What is not known is null, never 0 and never left out, except transcripts,
 * whose keys are there only where they were asked for.
 *
 * A change that takes a key away or gives it another meaning is another schema, with another number. New keys come last.
 */
import * as Schema from "effect/Schema"
import { DeliveryMode } from "../../a2a/DeliveryMode.ts"
import { TokenBasis, Verdict } from "../../campaign/AttemptVerdict.ts"
import { CampaignState } from "../../campaign/StoredCampaign.ts"
import { CancelProof } from "../../liveness/CancelProof.ts"
import { Hop } from "../../liveness/Hop.ts"
import { Phase } from "../../liveness/Phase.ts"
import { RunError } from "../../liveness/RunError.ts"
import { Confidence } from "../../liveness/StallKind.ts"

export const exportSchema = "a2a-campaign/export/1"

/** A moment: `2026-11-23T06:44:38.000Z`. */
const Moment = Schema.String.check(Schema.isPattern(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u))

const text = (description: string) => Schema.String.annotate({ description })
const moment = (description: string) => Moment.annotate({ description })
const count = (description: string) => Schema.Int.annotate({ description })
const flag = (description: string) => Schema.Boolean.annotate({ description })
/** The same, where it may be unknown. */
const known = <S extends Schema.Top>(schema: S, description: string) => Schema.NullOr(schema).annotate({ description })

export const CampaignRow = Schema.Struct({
  schema: Schema.Literal(exportSchema).annotate({ description: "The version of this schema." }),
  release: text("The release of a2a-campaign that wrote the export."),
  exported_at: moment("The moment of which everything in the export is."),
  campaign: text("The campaign's name, from its definition."),
  state: CampaignState.annotate({
    description: "What its user wants of it: to run, to be paused, cancelled; or that it has ended."
  }),
  running: flag("Whether a process was running it when it was exported."),
  created_at: moment("When it was created."),
  config_hash: known(
    Schema.String,
    "Identifies its configuration; null where an earlier release stored none."
  ),
  repetitions: count("How often each task is played with each agent."),
  seed: count("What the order of battles follows from."),
  stall_policy: text("What follows when an attempt is found stalled: enforce, warn or off."),
  hard_cap_ms: known(Schema.Finite, "What an attempt may take in all; null for as long as it lives."),
  tasks: Schema.Array(Schema.Struct({
    task: text("Its name."),
    grader: text("The kind of its grader: JavaScriptTests, PythonTests, TextMatch, JsonSchema, ModelGraded, …")
  })).annotate({ description: "In the order of the definition. Prompts and hidden tests are not exported." }),
  agents: Schema.Array(Schema.Struct({
    agent: text("Its name."),
    kind: text("Model: our purple agent in front of an engine. Agent: any A2A agent. Scenario: a green agent's."),
    engine: known(Schema.String, "The engine behind it; null where nobody knows it."),
    model: known(Schema.String, "The model asked for; null for whatever the engine serves.")
  })).annotate({ description: "In the order of the definition." })
})
export type CampaignRow = typeof CampaignRow.Type

export const EpochRow = Schema.Struct({
  epoch: count("The number that attempts name."),
  engine: text("The engine's name in the definition."),
  model_id: text("What it serves to us, by name."),
  model_root: known(Schema.String, "What stands behind that name, where the engine says."),
  server_started_at: known(Moment, "When its process began, where the engine says."),
  began_at: moment("When it was first seen so.")
})
export type EpochRow = typeof EpochRow.Type

const battleKey = {
  campaign: text("The campaign's name."),
  task: text("The task's name."),
  agent: text("The agent's name."),
  repetition: count("From 1. Task, agent and repetition name the battle.")
}

export const BattleRow = Schema.Struct({
  ...battleKey,
  position: count("Its place in the plan, from 0."),
  state: Schema.Literals(["pending", "scored", "unscored"]).annotate({
    description: "pending: it is yet to be played to an end. unscored: it has ended without an answer to grade."
  }),
  score: known(Schema.Finite, "From 0 to 1; null unless scored. An infrastructure outcome is never a 0."),
  passed: known(Schema.Boolean, "All hidden tests, or the score that its task asks for; null unless scored."),
  tests: known(Schema.Int, "Hidden tests of its grader, 0 for graders without; null unless scored."),
  tests_passed: known(Schema.Int, "Those that passed."),
  explanation: known(Schema.String, "One line of the grader. It may quote the answer."),
  reason: known(Schema.String, "Why it has no score; null unless unscored."),
  counted_attempt: known(
    Schema.Int,
    "The number of the attempt that its state rests on; null while pending, and where it was given up without one."
  ),
  attempts: count("Attempts that have ended, of any kind."),
  attempts_charged: count("Those that used up one of its attempts under the failure policy."),
  attempts_in_flight: count("Attempts that have not ended."),
  reopened_after: count(
    "The number of its last attempt before `campaign retry` opened it again; 0 where it never did."
  ),
  verdict: known(Verdict, "How the attempt that counts ended. This and what follows is null where none counts."),
  mode: known(DeliveryMode, "How the agent was followed in it."),
  epoch: known(Schema.Int, "The engine's epoch in which it was played; null where its engine is not known."),
  started_at: known(Moment, "When it began."),
  duration_ms: known(Schema.Finite, "From its beginning to its end, grading included."),
  tokens: known(Schema.Int, "Tokens generated in it."),
  token_basis: known(
    TokenBasis,
    "What that number rests on: the engine's usage report, the deltas that came, or pieces of text, which are no tokens."
  ),
  ttft_ms: known(Schema.Finite, "From its beginning to its first token; null where none came, or none was told."),
  tokens_per_second: known(Schema.Finite, "Tokens after the first arrival over the time from first to last arrival.")
})
export type BattleRow = typeof BattleRow.Type

const attemptKey = {
  ...battleKey,
  attempt: count("Its number within its battle, from 1.")
}

const transcript = {
  content: Schema.optionalKey(text("What the agent answered. Only with --transcripts.")),
  reasoning: Schema.optionalKey(text("What it thought aloud. Only with --transcripts."))
}

export const AttemptRow = Schema.Struct({
  ...attemptKey,
  attempt_id: count("Rises in the order in which attempts began, over the whole campaign."),
  verdict: known(Verdict, "How it ended; abandoned: its process was gone. null while it is in flight."),
  counted: flag("Whether its battle's state rests on it."),
  superseded: flag("Whether it came too late to be of any effect."),
  charged: flag("Whether it used up one of its battle's attempts."),
  epoch: known(Schema.Int, "The engine's epoch in which it was played; null where its engine is not known."),
  mode: known(DeliveryMode, "How the agent was followed in it; null while it is in flight."),
  phase: known(
    Phase,
    "Of one that stalled or was slow: what it was in then. In flight: what it was last told to be in."
  ),
  started_at: moment("When it began."),
  duration_ms: known(Schema.Finite, "From its beginning to its end, grading included; null while it is in flight."),
  tokens: count("Tokens generated, so far if it is in flight."),
  token_basis: known(TokenBasis, "What that number rests on, as in battles; null while it is in flight."),
  prompt_tokens: known(Schema.Int, "Tokens of the prompt, where the engine says."),
  finish_reason: known(Schema.String, "What the engine said of its end; only that proves a whole answer."),
  ttft_ms: known(Schema.Finite, "From its beginning to its first token; null where none came, or none was told."),
  tokens_per_second: known(Schema.Finite, "Tokens after the first arrival over the time from first to last arrival."),
  arrivals: count("Moments at which tokens arrived: the rows that `--what tokens` has of it."),
  last_arrival_ms: known(Schema.Finite, "From its beginning to the last of them."),
  longest_gap_ms: known(Schema.Finite, "The longest silence between two of them; null with fewer than two."),
  grading: known(Schema.String, "The kind of sandbox in which its answer was graded; null where none was needed."),
  error_tag: known(
    Schema.Literals(["Stalled", "Slow", "Failed"]),
    "Given up because it hung, because its budget was used up, or ended by an error. Null without error, as what follows."
  ),
  error_kind: known(Schema.String, "The kind of stall, what a slow one waited for, or the kind of failure."),
  error_hop: known(Hop, "Where it was found: engine, purple or green agent."),
  error_message: known(Schema.String, "The whole in a sentence, as the command says it."),
  stall_confidence: known(Confidence, "proved by the engine's metrics, or inferred from silence. Null unless stalled."),
  silent_ms: known(Schema.Finite, "How long nothing had come when it was given up. Null unless stalled or slow."),
  limit_name: known(Schema.String, "The limit that decided."),
  limit_ms: known(Schema.Finite, "Its value then."),
  limit_origin: known(Schema.String, "Where that came from, such as own-gaps, learned or ceiling."),
  cancel: known(CancelProof, "Whether the engine was seen to drop the request of a run that was given up."),
  error: known(
    RunError,
    "The error with all its evidence, as it is stored: phases, gaps, limits, what the engine's metrics showed. In CSV " +
      "it is JSON in one cell."
  ),
  ...transcript
})
export type AttemptRow = typeof AttemptRow.Encoded

/** An arrival within its attempt, in JSON and JSONL. */
const Arrival = Schema.Struct({
  at_ms: Schema.Finite.annotate({ description: "From the beginning of the attempt, to a tenth of a millisecond." }),
  tokens: count("Tokens that arrived together. Pieces of text where the attempt's token_basis is pieces.")
})

export const TokenRow = Schema.Struct({
  ...attemptKey,
  attempt_id: AttemptRow.fields.attempt_id,
  arrival: count("Its number within its attempt, from 1."),
  at_ms: Arrival.fields.at_ms,
  gap_ms: known(Schema.Finite, "Since the arrival before; null for the first."),
  tokens: Arrival.fields.tokens,
  tokens_so_far: count("Tokens of the attempt up to here.")
})
export type TokenRow = typeof TokenRow.Type

const whole = {
  ...AttemptRow.fields,
  token_times: Schema.Array(Arrival).annotate({ description: "When its tokens arrived." })
}

/** The JSON document. */
export const ExportDocument = Schema.Struct({
  ...CampaignRow.fields,
  epochs: Schema.Array(EpochRow).annotate({ description: "Stretches of time in which an engine served one model." }),
  battles: Schema.Array(
    Schema.Struct({
      ...BattleRow.fields,
      attempt_rows: Schema.Array(Schema.Struct(whole)).annotate({ description: "All of its attempts, by number." })
    })
  ).annotate({ description: "In the order of the plan." })
})

/** A line of JSONL: each begins with the kind of its row. */
export const ExportLine = Schema.Union([
  Schema.Struct({ row: Schema.Literal("campaign"), ...CampaignRow.fields }),
  Schema.Struct({ row: Schema.Literal("epoch"), ...EpochRow.fields }),
  Schema.Struct({ row: Schema.Literal("battle"), ...BattleRow.fields }),
  Schema.Struct({ row: Schema.Literal("attempt"), ...whole }),
  Schema.Struct({ row: Schema.Literal("token"), ...TokenRow.fields })
])
export type ExportLine = typeof ExportLine.Encoded
