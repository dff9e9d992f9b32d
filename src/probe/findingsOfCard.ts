/** What an agent's card has to be told about. */
import { type AgentFinding, blocker, loss, note } from "./AgentFinding.ts"
import type { AgentMeasurements } from "./AgentMeasurements.ts"

export const findingsOfCard = (
  { card, stream, url }: Pick<AgentMeasurements, "card" | "stream" | "url">
): ReadonlyArray<AgentFinding> => {
  if (card.path === null) {
    return [blocker(
      "no-card",
      `No agent card could be had at ${url}: ${card.fault ?? "no answer"}.`,
      "Check the address; an A2A agent serves its card at /.well-known/agent-card.json below it."
    )]
  }
  if (card.fault !== null || card.used === null) {
    return [blocker(
      "unusable-card",
      `Its card cannot be used: ${card.fault ?? "no interface that is known"}.`,
      "Name the agent's own URL with JSONRPC and version 1.0 in supportedInterfaces, or url, preferredTransport and " +
        "protocolVersion for A2A 0.3."
    )]
  }
  return [
    ...(stream?.outcome === "failed" && stream.headers === null && originOf(card.used.url) !== originOf(url)
      ? [blocker(
        "card-address",
        `Its card sends clients to ${card.used.url}, which gave no answer: ${stream.detail}.`,
        "Put the address that clients see on the card (our agents: --card-url; most SDK templates: --card-url or the url " +
          "of the AgentCard), not 0.0.0.0, localhost or a container's own name."
      )]
      : []),
    ...(card.path.endsWith("agent.json")
      ? [note(
        "old-card-path",
        "Its card is only at /.well-known/agent.json, where A2A before 0.3 had it.",
        "Serve the card at /.well-known/agent-card.json as well."
      )]
      : []),
    ...(card.streaming ? [] : [unsaid(stream)])
  ]
}

const originOf = (url: string): string => URL.canParse(url) ? new URL(url).origin : url

const unsaid = (stream: AgentMeasurements["stream"]): AgentFinding =>
  stream !== null && stream.textFrames > 0
    ? loss(
      "streams-unsaid",
      "Its card says that it does not stream (capabilities.streaming), and it does when it is asked to.",
      "Set capabilities.streaming to true on the card and restart the agent; clients believe the card."
    )
    : loss(
      "no-streaming",
      "Its card says that it does not stream (capabilities.streaming), so clients get its answer in one piece.",
      "Ask the engine with stream: true, publish an artifact update with append for each piece, and set " +
        "capabilities.streaming to true; the SDKs do the rest."
    )
