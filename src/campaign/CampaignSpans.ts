/**
 * The spans of a campaign: one for itself, and one for each battle, made of what the campaign tells.
 *
 * Every battle is a trace of its own, with a link to the campaign's span: a campaign takes hours, and no backend shows a
 * trace of hours and of thousands of spans well. Its attempts are the children of its span, and all that comes of them is
 * below those, at whatever hop.
 *
 * A battle's span begins with its first attempt in this process and ends when its outcome is known, or with the process.
 * Gotcha: of a process that is killed the spans that were open are never sent; what had ended within them has been.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { AnySpan } from "effect/Tracer"
import { serverAttributes } from "../telemetry/serverAttributes.ts"
import { Attribute, Event, Span } from "../telemetry/SpanNames.ts"
import * as Spans from "../telemetry/Spans.ts"
import type { AttemptRecord } from "./AttemptRecord.ts"
import { type Battle, keyOf, type Outcome } from "./Battle.ts"
import type { CampaignEvent } from "./CampaignEvent.ts"
import type { Definition } from "./Definition.ts"

export interface CampaignSpans {
  /** Told of everything that happens. Synchronous; never throws. */
  readonly note: (event: CampaignEvent) => void
  /** What of a battle, or of the campaign, is open. */
  readonly around: (battle: Battle | undefined) => AnySpan | undefined
  /** That of a battle, which is opened unless it is open. */
  readonly battle: (battle: Battle) => Effect.Effect<Spans.OpenSpan>
  /** Ends what is open. */
  readonly end: (exit: Exit.Exit<unknown, unknown>) => void
}

/** Where nobody collects spans. */
export const none: CampaignSpans = {
  note: () => {},
  around: () => undefined,
  battle: () => Effect.succeed(Spans.none),
  end: () => {}
}

/** Opens the span of a campaign. */
export const begin = (definition: Definition): Effect.Effect<CampaignSpans> =>
  Effect.map(
    Spans.open(Span.campaign, { parent: null, attributes: { [Attribute.campaign]: definition.id } }),
    (campaign) => campaign.isRecording ? make(definition, campaign) : none
  )

const make = (definition: Definition, campaign: Spans.OpenSpan): CampaignSpans => {
  const open = new Map<string, Spans.OpenSpan>()

  const endBattle = (battle: Battle, outcome: Outcome, exit: Exit.Exit<unknown, unknown>) => {
    const key = keyOf(battle)
    const span = open.get(key)
    if (span === undefined) return
    open.delete(key)
    span.set(outcomeAttributes(outcome))
    span.end(exit)
  }

  const end = (exit: Exit.Exit<unknown, unknown>) => {
    for (const span of open.values()) {
      span.set(outcomeAttributes({ _tag: "Pending" }))
      span.end(Exit.interrupt())
    }
    open.clear()
    campaign.end(exit)
  }

  const note = (event: CampaignEvent): void => {
    switch (event._tag) {
      case "CampaignBegan":
        return campaign.set({ [Attribute.battles]: event.battles.length })
      case "AttemptEnded": {
        const { battle, error, outcome } = event.record
        if (outcome._tag === "Pending") return
        return endBattle(battle, outcome, error === null ? Exit.void : Exit.fail(error))
      }
      case "RetryWaits":
        return open.get(keyOf(event.battle))?.event(Event.retry, { [Attribute.delay]: event.delayMillis / 1000 })
      case "OutcomesChanged":
        for (const { battle, outcome } of event.battles) {
          if (outcome._tag !== "Pending") endBattle(battle, outcome, Exit.fail({ _tag: "given-up" }))
        }
        return
      case "GateChanged":
        return campaign.event(Event.gate, {
          [Attribute.gateOf]: event.of,
          [Attribute.gate]: event.state,
          ...(event.of === "agent" ? { [Attribute.agent]: event.endpoint } : serverAttributes(event.endpoint))
        })
      case "CampaignEnded":
        campaign.set({ [Attribute.campaignEnd]: event.end._tag.toLowerCase() })
        return end(Exit.void)
      default:
        return
    }
  }

  const battle = (battle: Battle) =>
    Effect.suspend(() => {
      const key = keyOf(battle)
      const known = open.get(key)
      if (known !== undefined) return Effect.succeed(known)
      return Effect.tap(
        Spans.open(Span.battle, {
          parent: null,
          links: campaign.span === undefined ? [] : [campaign.span],
          attributes: { [Attribute.campaign]: definition.id, ...battleAttributes(battle) }
        }),
        (span) => Effect.sync(() => open.set(key, span))
      )
    })

  const around = (battle: Battle | undefined) => battle === undefined ? campaign.span : open.get(keyOf(battle))?.span

  return { note, around, battle, end }
}

/** Which battle it is. */
export const battleAttributes = ({ agent, repetition, task }: Battle): Spans.Attributes => ({
  [Attribute.task]: task,
  [Attribute.agent]: agent,
  [Attribute.repetition]: repetition
})

const outcomeAttributes = (outcome: Outcome): Spans.Attributes => ({
  [Attribute.outcome]: outcome._tag.toLowerCase(),
  ...(outcome._tag === "Scored" ? { [Attribute.score]: outcome.grade.score } : {}),
  ...(outcome._tag === "Pending" ? {} : { [Attribute.attempts]: outcome.attempt })
})

/** A wait that is worth being told, in milliseconds. */
const WORTH_TELLING_MILLIS = 1000

/** Tells for how many milliseconds a battle was kept from beginning. */
export const tellWait = (span: Spans.OpenSpan, millis: number): void => {
  if (millis >= WORTH_TELLING_MILLIS) span.event(Event.waited, { [Attribute.delay]: millis / 1000 })
}

/** Opens the span of an attempt, which its battle's is the parent of. */
export const attempt = (
  { span }: Spans.OpenSpan,
  battle: Battle,
  { epoch, number }: { readonly number: number; readonly epoch: number | null }
): Effect.Effect<Spans.OpenSpan> =>
  Spans.open(Span.attempt, {
    parent: span ?? null,
    attributes: {
      ...battleAttributes(battle),
      [Attribute.attempt]: number,
      [Attribute.epoch]: epoch ?? undefined
    }
  })

/** What an attempt has come to. */
export const attemptAttributes = ({ charged, mode, outcome, tokens, verdict }: AttemptRecord): Spans.Attributes => ({
  [Attribute.verdict]: verdict,
  [Attribute.mode]: mode,
  [Attribute.tokens]: tokens,
  [Attribute.charged]: charged,
  [Attribute.outcome]: outcome._tag.toLowerCase()
})
