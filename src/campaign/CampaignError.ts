/**
 * Why a campaign cannot be played as it is defined: what it needs is not there, or cannot be used.
 *
 * One outer error with a tagged reason, so that a caller can treat one reason apart. `detail` is one line for people, which
 * names what was given and says what to do; the message is that line. What happens in the middle of a campaign is none of
 * these: that is an outcome of its battles, or the reason of its end.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** What cannot be used. */
export const CampaignErrorReason = Schema.TaggedUnion({
  /** An engine: its address, its key, or a model that it does not serve. */
  Engine: {
    /** As the definition calls it. */
    name: Schema.String,
    /** One line for people. */
    detail: Schema.String
  },
  /** An agent: its address, its token, its command or its tap. */
  Agent: {
    /** As the definition calls it. */
    name: Schema.String,
    /** One line for people. */
    detail: Schema.String
  },
  /** A task that cannot be graded on this machine. */
  Task: {
    /** Of the task. */
    id: Schema.String,
    /** One line for people. */
    detail: Schema.String
  },
  /** The green agent of the campaign itself. */
  Green: {
    /** One line for people. */
    detail: Schema.String
  },
  /** The store holds another campaign than the one that is to be played. */
  Stored: {
    /** One line for people. */
    detail: Schema.String
  }
})
export type CampaignErrorReason = typeof CampaignErrorReason.Type

/** A campaign cannot be played as it is defined. */
export class CampaignError extends Schema.TaggedError<CampaignError>()("CampaignError", {
  /** What it is that cannot be used. */
  reason: CampaignErrorReason
}) {
  /** One line for people. */
  override get message(): string {
    return this.reason.detail
  }
}

const { Agent, Engine, Green, Task } = CampaignErrorReason.cases

/** An engine of that name cannot be used. */
export const engineError = (name: string, detail: string): CampaignError =>
  new CampaignError({ reason: Engine.make({ name, detail }) })

/** An agent of that name cannot be used. */
export const agentError = (name: string, detail: string): CampaignError =>
  new CampaignError({ reason: Agent.make({ name, detail }) })

/** A task with that id cannot be graded. */
export const taskError = (id: string, detail: string): CampaignError =>
  new CampaignError({ reason: Task.make({ id, detail }) })

/** The green agent of the campaign cannot be started. */
export const greenError = (detail: string): CampaignError => new CampaignError({ reason: Green.make({ detail }) })

/** Whatever goes wrong is told as this error, with its message. One of ours stays what it is. */
export const orUnusable =
  (errorOf: (detail: string) => CampaignError) =>
  <A, E extends { readonly message: string }, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, CampaignError, R> =>
    Effect.mapError(effect, (error) => error instanceof CampaignError ? error : errorOf(error.message))
