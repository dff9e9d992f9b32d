/**
 * A campaign as lines of JSON, for programs: one event a line, as its views see them.
 *
 * The shape is for scripts: names stay, and what is added comes as new names. `atMs` is milliseconds since the process that
 * runs the campaign began. What is large is left out: a plan has its numbers, and an attempt neither its texts nor its
 * timings, which stand in the store.
 */
import * as Schema from "effect/Schema"
import type { AttemptOutlook } from "../campaign/AttemptOutlook.ts"
import { AttemptRecord } from "../campaign/AttemptRecord.ts"
import type { CampaignEvent } from "../campaign/CampaignEvent.ts"
import { describeLimit } from "../liveness/describeLimit.ts"

/** With the reason for its length in words; `sinceMs` is counted from the beginning of the attempt, as all that is its own. */
const limitOf = ({ millis, name, origin, sinceMillis, ...limit }: NonNullable<AttemptOutlook["limit"]>) => ({
  name,
  ms: millis,
  sinceMs: sinceMillis,
  origin,
  why: describeLimit({ name, millis, origin, ...limit })
})

const encodeRecord = Schema.encodeSync(AttemptRecord)

/** A line without its break. */
export const encode = ({ atMillis, ...event }: CampaignEvent): string =>
  JSON.stringify({ atMs: Math.round(atMillis * 10) / 10, ...contentOf(event as CampaignEvent) })

const contentOf = (event: Omit<CampaignEvent, "atMillis">): object => {
  const content = event as CampaignEvent
  switch (content._tag) {
    case "CampaignBegan": {
      const { battles, definition } = content
      const pending = battles.filter(({ outcome }) => outcome._tag === "Pending").length
      return { _tag: content._tag, campaign: definition.id, battles: battles.length, pending }
    }
    case "AttemptEnded": {
      const { content: _content, reasoning: _reasoning, timings: _timings, ...record } = encodeRecord(content.record)
      return { _tag: content._tag, ...record }
    }
    case "OutlookChanged": {
      const { battle, number, outlook: { limit, ...known } } = content
      return { _tag: content._tag, battle, number, ...known, limit: limit === null ? null : limitOf(limit) }
    }
    default:
      return event
  }
}
