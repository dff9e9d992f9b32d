/**
 * A campaign as log records for a collector: its begin and its end, every attempt, every gate that opens or closes, and
 * what else an operator is woken for.
 *
 * Law: the words are ours; what engines and agents have said is not among them.
 */
import { errorAttributes } from "../telemetry/errorAttributes.ts"
import type { EventRecord } from "../telemetry/EventLog.ts"
import { serverAttributes } from "../telemetry/serverAttributes.ts"
import { Attribute } from "../telemetry/SpanNames.ts"
import type { AttemptRecord } from "./AttemptRecord.ts"
import type { CampaignEvent } from "./CampaignEvent.ts"
import { attemptAttributes, battleAttributes } from "./CampaignSpans.ts"

type Said = Pick<EventRecord, "attributes" | "level" | "text">

/** What is written of an event; nothing of most. */
export const recordOf = (event: CampaignEvent): Said | undefined => {
  switch (event._tag) {
    case "CampaignBegan": {
      const { battles, definition: { id } } = event
      return info("campaign began", { [Attribute.campaign]: id, [Attribute.battles]: battles.length })
    }
    case "AttemptEnded":
      return ofAttempt(event.record)
    case "GateChanged":
      return {
        level: event.state === "closed" ? "Info" : "Warn",
        text: event.of === "engine" ? `gate of an engine: ${event.state}` : `breaker of an agent: ${event.state}`,
        attributes: {
          [Attribute.gateOf]: event.of,
          [Attribute.gate]: event.state,
          ...(event.of === "agent" ? { [Attribute.agent]: event.endpoint } : serverAttributes(event.endpoint))
        }
      }
    case "OperatorNeeded":
      return {
        level: "Error",
        text: event.of === "engine" ? "somebody should look after an engine" : "somebody should look after an agent",
        attributes: event.of === "agent" ? { [Attribute.agent]: event.endpoint } : serverAttributes(event.endpoint)
      }
    case "LaneHalted":
      return event.why === null
        ? info("an engine's battles go on", {})
        : { level: "Warn", text: "an engine's battles are halted", attributes: {} }
    case "Stopping":
      return info("campaign is stopping", {})
    case "CampaignEnded":
      return info("campaign ended", { [Attribute.campaignEnd]: event.end._tag.toLowerCase() })
    default:
      return undefined
  }
}

const info = (text: string, attributes: Said["attributes"]): Said => ({ level: "Info", text, attributes })

const ofAttempt = (record: AttemptRecord): Said => ({
  level: record.verdict === "completed" || record.verdict === "cancelled" ? "Info" : "Warn",
  text: `attempt ${record.verdict}`,
  attributes: {
    ...(record.error === null ? {} : errorAttributes(record.error)),
    ...battleAttributes(record.battle),
    [Attribute.attempt]: record.number,
    ...attemptAttributes(record)
  }
})
